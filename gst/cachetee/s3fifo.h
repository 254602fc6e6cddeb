// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

// What to keep in a bounded space: S3-FIFO, after Yang et al., "FIFO queues are
// all you need for cache eviction", SOSP 2023, algorithm 1, with sizes.
//
// What comes in is in a small queue, a tenth of the space. From its tail what
// was asked for again (more than once) goes to the main queue, the rest goes,
// and only its key stays for a while, in the ghost queue; what is a ghost when
// it comes again goes to the main queue at once. There, what was asked for goes
// round again. So a long stream of things that nobody asks for twice passes
// through the small queue and leaves the main one as it is.
namespace s3fifo {

// For one thread at a time.
template <class Key, class Value, class Hash = std::hash<Key>>
class Cache
{
public:
  explicit Cache (std::size_t limit) : limit_ (limit) {}
  Cache (const Cache &) = delete;
  Cache &operator= (const Cache &) = delete;
  ~Cache () = default;

  // Counts as a use. Valid until the next call that is not find ().
  Value *find (const Key &key)
  {
    auto found = nodes_.find (key);
    if (found == nodes_.end () || found->second.queue == &ghost_)
      return nullptr;
    Node &node = found->second;
    node.uses = static_cast<std::uint8_t> (std::min (node.uses + 1, 3));
    return &node.value;
  }

  // Values that have to go are added to `gone`, for the caller to destroy when
  // it has time. False, and nothing is done, if the key is there already or if
  // the value alone is larger than the space.
  bool insert (
      const Key &key, Value value, std::size_t size, std::vector<Value> &gone)
  {
    auto found = nodes_.find (key);
    bool was_ghost = found != nodes_.end () && found->second.queue == &ghost_;
    if ((found != nodes_.end () && !was_ghost) || size > limit_) return false;
    if (was_ghost) remove (found->second);
    while (bytes () + size > limit_) evict (gone);

    Node &node = nodes_[key];
    node.key = &nodes_.find (key)->first;
    node.value = std::move (value);
    node.size = size;
    push (was_ghost ? main_ : small_, node);
    return true;
  }

  void set_limit (std::size_t limit, std::vector<Value> &gone)
  {
    limit_ = limit;
    while (bytes () > limit_) evict (gone);
    trim_ghosts ();
  }

  [[nodiscard]] std::size_t bytes () const
  {
    return small_.bytes + main_.bytes;
  }
  [[nodiscard]] std::size_t ghost_bytes () const { return ghost_.bytes; }
  [[nodiscard]] std::size_t count () const
  {
    return small_.count + main_.count;
  }
  [[nodiscard]] std::size_t limit () const { return limit_; }

private:
  struct Queue;
  struct Node
  {
    const Key *key = nullptr;
    Value value{};
    std::size_t size = 0;
    std::uint8_t uses = 0;
    Queue *queue = nullptr;
    Node *newer = nullptr;
    Node *older = nullptr;
  };
  struct Queue
  {
    Node *newest = nullptr;
    Node *oldest = nullptr;
    std::size_t bytes = 0;
    std::size_t count = 0;
  };

  [[nodiscard]] std::size_t small_limit () const { return limit_ / 10; }
  [[nodiscard]] std::size_t main_limit () const
  {
    return limit_ - small_limit ();
  }

  static void push (Queue &queue, Node &node)
  {
    node.uses = 0;
    link (queue, node);
  }
  static void link (Queue &queue, Node &node)
  {
    node.queue = &queue;
    node.newer = nullptr;
    node.older = queue.newest;
    (queue.newest != nullptr ? queue.newest->newer : queue.oldest) = &node;
    queue.newest = &node;
    queue.bytes += node.size;
    queue.count++;
  }
  static void unlink (Node &node)
  {
    Queue &queue = *node.queue;
    (node.newer != nullptr ? node.newer->older : queue.newest) = node.older;
    (node.older != nullptr ? node.older->newer : queue.oldest) = node.newer;
    queue.bytes -= node.size;
    queue.count--;
  }
  void remove (Node &node)
  {
    unlink (node);
    // Not by the key that goes with it.
    nodes_.erase (nodes_.find (*node.key));
  }

  // Only while something is there.
  void evict (std::vector<Value> &gone)
  {
    if (small_.count > 0 &&
        (small_.bytes >= small_limit () || main_.count == 0))
      evict_small (gone);
    else
      evict_main (gone);
  }

  void evict_small (std::vector<Value> &gone)
  {
    while (small_.count > 0) {
      Node &node = *small_.oldest;
      bool again = node.uses > 1;
      unlink (node);
      if (!again) {
        gone.push_back (std::exchange (node.value, Value{}));
        push (ghost_, node);
        trim_ghosts ();
        return;
      }
      push (main_, node);
      if (main_.bytes > main_limit ()) evict_main (gone);
    }
  }

  void evict_main (std::vector<Value> &gone)
  {
    while (main_.count > 0) {
      Node &node = *main_.oldest;
      if (node.uses == 0) {
        gone.push_back (std::move (node.value));
        remove (node);
        return;
      }
      node.uses--;
      unlink (node);
      link (main_, node);
    }
  }

  // As many as the main queue has room for.
  void trim_ghosts ()
  {
    while (ghost_.bytes > main_limit () && ghost_.count > 0)
      remove (*ghost_.oldest);
  }

  std::size_t limit_;
  Queue small_;
  Queue main_;
  Queue ghost_;
  std::unordered_map<Key, Node, Hash> nodes_;
};

}  // namespace s3fifo
