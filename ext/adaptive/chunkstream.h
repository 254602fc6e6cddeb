// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

#include "common/gstpp.h"

template <>
inline constexpr bool relay::is_gobject<GFilterInputStream> = true;

// libsoup 3.2 takes what is no number for the size 0, and with it the end of
// the body; an end of the connection between two chunks for one, too; and it
// leaves all trailers but the first in the connection. So it does not see the
// server's framing, but ours: a stream is put between it and the connection
// that checks every byte around the chunks.
namespace fetcher {

class ChunkGuard
{
public:
  // Of a body that comes from soup_session_send, of which nothing is read yet.
  explicit ChunkGuard (GInputStream *body);
  ~ChunkGuard ();
  ChunkGuard (const ChunkGuard &) = delete;
  ChunkGuard &operator= (const ChunkGuard &) = delete;

  // The body is chunked, and it is seen to that its end is one: reading it
  // gives G_IO_ERROR_INVALID_DATA for garbage and G_IO_ERROR_PARTIAL_INPUT for
  // an early end.
  [[nodiscard]] bool is_there () const { return stream_ != nullptr; }
  // At the end of the body, before it is closed: the connection may be used
  // again, by anybody.
  void remove ();

private:
  relay::Owned<GFilterInputStream> lines_;   // libsoup's, of the connection
  relay::Owned<GFilterInputStream> stream_;  // below it
};

}  // namespace fetcher
