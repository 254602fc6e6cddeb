// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace relay {

// A value inside its mutex: reachable only through lock (), so that "called
// with the lock held" is a parameter of type Guarded<T>::Access and not a
// comment. std::mutex because thread sanitizers see it; GMutex they do not.
template <class T>
class Guarded
{
public:
  class Access
  {
  public:
    Access (std::mutex &m, T &value) : lock_ (m), value_ (value) {}

    T *operator->() { return &value_; }
    T &operator* () { return value_; }

    // A predicate takes the value: wait (cv, [] (State &s) { ... }). Each wait
    // has a flushing or stop flag in its predicate.
    template <class Predicate>
    void wait (std::condition_variable &condition, Predicate predicate)
    {
      condition.wait (lock_, [&] { return predicate (value_); });
    }
    template <class Clock, class Duration, class Predicate>
    bool wait_until (std::condition_variable &condition,
        const std::chrono::time_point<Clock, Duration> &deadline,
        Predicate predicate)
    {
      return condition.wait_until (
          lock_, deadline, [&] { return predicate (value_); });
    }
    template <class Rep, class Period, class Predicate>
    bool wait_for (std::condition_variable &condition,
        const std::chrono::duration<Rep, Period> &limit, Predicate predicate)
    {
      return condition.wait_for (
          lock_, limit, [&] { return predicate (value_); });
    }

    // Around a call that must not be made under the lock (push, post, emit,
    // join). The value is out of reach in between: do not touch the access.
    void unlock () { lock_.unlock (); }
    void lock () { lock_.lock (); }

  private:
    std::unique_lock<std::mutex> lock_;
    T &value_;
  };

  Guarded () = default;
  explicit Guarded (T value) : value_ (std::move (value)) {}

  [[nodiscard]] Access lock () { return Access (mutex_, value_); }

  // A copy, for settings that are read once per buffer or start.
  [[nodiscard]] T copy ()
  {
    std::lock_guard<std::mutex> guard (mutex_);
    return value_;
  }

private:
  std::mutex mutex_;
  T value_;
};

}  // namespace relay
