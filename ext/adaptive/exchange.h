// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chunkstream.h"
#include "fetcher.h"
#include "limiter.h"
#include "readiness.h"
#include "session.h"
#include "uri.h"

namespace fetcher {

// One message on the wire, from its sending to the end of its body.
class Exchange
{
public:
  Exchange (std::shared_ptr<Session> session,
      std::unique_ptr<limiter::Ticket> ticket, const Settings &settings,
      GCancellable *cancellable, Counters &counters, std::string shown_uri,
      unsigned retry);
  ~Exchange ();
  Exchange (const Exchange &) = delete;
  Exchange &operator= (const Exchange &) = delete;

  [[nodiscard]] bool prepare (
      const uri::Uri &target, const std::string &method);
  void set_body (const std::string &type, const std::string &bytes);
  void set_header (const char *name, const std::string &value);
  void append_header (const std::string &name, const std::string &value);

  Result<relay::Done> send ();
  // After a read_now () that had nothing.
  void wait ();
  // 0 = the body has ended; whether that is all of it is not known here.
  Result<std::size_t> read (std::uint8_t *data, std::size_t size);
  // Nothing: none of it is here yet.
  Result<std::optional<std::size_t>> read_now (
      std::uint8_t *data, std::size_t size);
  // For an answer that is not wanted: reads a short body to its end, so that
  // the connection is used again.
  void discard ();

  // Somebody waits for its place.
  [[nodiscard]] bool is_wanted () const { return ticket_->is_wanted (); }
  [[nodiscard]] unsigned status () const
  {
    return soup_message_get_status (message_.get ());
  }
  [[nodiscard]] std::string header (const char *name) const;
  // One by one: their values have commas.
  [[nodiscard]] std::vector<std::string> set_cookies () const;
  [[nodiscard]] std::optional<std::uint64_t> content_length () const;
  // The end of the body is known when it comes, by a length or by chunks.
  [[nodiscard]] bool is_delimited () const { return delimited_; }
  // What they say, apart from lengths and ranges; uri: where it was.
  [[nodiscard]] Head head (const std::string &uri) const;
  [[nodiscard]] bool proxied () const
  {
    return !session_->route.proxy.empty ();
  }
  [[nodiscard]] std::chrono::nanoseconds ttfb () const { return record_.ttfb; }

private:
  // While something is waited for.
  class Waiting
  {
  public:
    explicit Waiting (Exchange &e) : exchange_ (e)
    {
      exchange_.restart_timer ();
    }
    ~Waiting () { exchange_.timer_->deadline = 0; }
    Waiting (const Waiting &) = delete;
    Waiting &operator= (const Waiting &) = delete;

  private:
    Exchange &exchange_;
  };

  [[nodiscard]] Headers shown_headers (bool of_request) const;
  void restart_timer ();
  Result<std::size_t> has_read (gssize count, GError *error);
  void end_body ();
  void close ();
  void record (const char *error);
  void log () const;
  [[nodiscard]] relay::Failure<Problem> failed (GError *raw) const;
  [[nodiscard]] Error classify (const GError &error) const;

  static void on_outer_cancelled (GCancellable *, gpointer inner);
  static void on_wrote_headers (SoupMessage *, gpointer data);
  static void on_got_headers (SoupMessage *message, gpointer data);
  static void on_network_event (SoupMessage *, GSocketClientEvent event,
      GIOStream *connection, gpointer data);
  static gboolean on_accept_certificate (
      SoupMessage *, GTlsCertificate *, GTlsCertificateFlags, gpointer);

  const std::unique_ptr<limiter::Ticket> ticket_;  // until all else is gone
  const std::shared_ptr<Session> session_;
  const Settings &settings_;
  Counters &counters_;
  Record record_;
  const relay::Owned<GCancellable> outer_;
  const relay::Owned<GCancellable> inner_;
  gulong outer_handler_ = 0;
  const std::shared_ptr<Timer> timer_;
  Context context_;
  const int cancelled_fd_;  // of inner_
  Readiness readiness_;
  relay::Owned<SoupMessage> message_;
  Tunnel tunnel_;
  relay::Owned<GInputStream> body_;
  std::optional<ChunkGuard> chunks_;  // of body_
  bool delimited_ = false;
  bool sent_ = false;  // the request's headers are out
  bool misdirected_ = false;
};

}  // namespace fetcher
