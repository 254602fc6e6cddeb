// SPDX-License-Identifier: LGPL-2.1-or-later
#include "readiness.h"

#include <algorithm>
#include <array>

#include "common/gstpp.h"

namespace fetcher {

namespace {

// What a loop that runs the context would poll.
std::vector<GPollFD> polled (GMainContext *context)
{
  std::array<GPollFD, 8> found{};
  gint priority = 0;
  gint timeout = 0;
  g_main_context_prepare (context, &priority);
  gint count = g_main_context_query (context, G_MAXINT, &timeout, found.data (),
      static_cast<gint> (found.size ()));
  if (count < 0 || count > static_cast<gint> (found.size ())) return {};
  return {found.begin (), found.begin () + count};
}

}  // namespace

bool Readiness::learn (GPollableInputStream *stream)
{
  if (!sockets_.empty ()) return true;
  relay::Owned<GMainContext> context{g_main_context_new ()};
  if (!g_main_context_acquire (context.get ())) return false;
  // The context's own, which wakes it, ends with it.
  std::vector<GPollFD> own = polled (context.get ());
  GSource *source = g_pollable_input_stream_create_source (stream, nullptr);
  g_source_attach (source, context.get ());
  for (const GPollFD &one : polled (context.get ()))
    if (std::ranges::find (own, one.fd, &GPollFD::fd) == own.end ())
      sockets_.push_back (one);
  g_source_destroy (source);
  g_source_unref (source);
  g_main_context_release (context.get ());
  return !sockets_.empty ();
}

void Readiness::wait (int cancellable)
{
  std::vector<GPollFD> all = sockets_;
  all.push_back ({cancellable, G_IO_IN, 0});
  g_poll (all.data (), static_cast<guint> (all.size ()), -1);
}

}  // namespace fetcher
