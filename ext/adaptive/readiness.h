// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

#include <vector>

namespace fetcher {

// Waits at the socket of a stream, with one system call: no main loop, and no
// sources that are made for each time.
class Readiness
{
public:
  // Of a stream that has just said that it would block; one and the same every
  // time. False: its socket is not to be found, only a blocking read waits.
  [[nodiscard]] bool learn (GPollableInputStream *stream);
  // Until there is something to read, or the cancellable's descriptor, which
  // the caller keeps, says that it is cancelled.
  void wait (int cancellable);

private:
  std::vector<GPollFD> sockets_;
};

}  // namespace fetcher
