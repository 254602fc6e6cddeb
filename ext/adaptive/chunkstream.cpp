// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chunkstream.h"

#include <libsoup/soup.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "chunks.h"

namespace fetcher {

namespace {

struct Impl
{
  chunks::Parser parser;
  std::string ahead;     // from the connection, not looked at yet
  std::size_t seen = 0;  // of it
  std::string framing;   // for libsoup, before anything else
  bool first = true;     // chunk
  bool closed = false;   // while libsoup's own buffer is emptied
};

struct Stream
{
  GFilterInputStream parent{};
  Impl impl;
};

GInputStreamClass *parent_class = nullptr;

Impl &impl_of (gpointer stream)
{
  return static_cast<Stream *> (stream)->impl;
}

gssize copy (std::string_view from, void *buffer, gsize count)
{
  count = std::min (count, from.size ());
  if (buffer != nullptr) std::memcpy (buffer, from.data (), count);
  return static_cast<gssize> (count);
}

std::string_view rest (const Impl &impl)
{
  return std::string_view (impl.ahead).substr (impl.seen);
}

// From the connection; an end is an error.
gssize read_base (gpointer stream, void *buffer, gsize count, gboolean blocking,
    GCancellable *cancellable, GError **error)
{
  gssize got = g_pollable_stream_read (
      static_cast<Stream *> (stream)->parent.base_stream, buffer, count,
      blocking, cancellable, error);
  if (got != 0 || count == 0) return got;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
      "the connection ended in a chunked body");
  return -1;
}

// Of the chunk that is under way.
gssize read_chunk (gpointer stream, void *buffer, gsize count,
    gboolean blocking, GCancellable *cancellable, GError **error)
{
  Impl &impl = impl_of (stream);
  count = std::min<guint64> (count, impl.parser.left ());
  gssize got = 0;
  if (!rest (impl).empty ()) {
    got = copy (rest (impl), buffer, count);
    impl.seen += static_cast<std::size_t> (got);
  } else {
    got = read_base (stream, buffer, count, blocking, cancellable, error);
  }
  if (got > 0) impl.parser.passed (static_cast<std::uint64_t> (got));
  return got;
}

// What libsoup is to see of what was between two chunks.
void reframe (Impl &impl)
{
  if (impl.parser.left () == 0 && !impl.parser.is_done ()) return;
  std::array<char, 32> size{};
  g_snprintf (size.data (), size.size (), "%" G_GINT64_MODIFIER "x\r\n%s",
      impl.parser.left (), impl.parser.is_done () ? "\r\n" : "");
  impl.framing = (impl.first ? "" : "\r\n") + std::string (size.data ());
  impl.first = false;
}

// Up to the next chunk or the end. False: an error.
bool read_framing (gpointer stream, gboolean blocking,
    GCancellable *cancellable, GError **error)
{
  // About what there is between two of them, and only so much is copied.
  constexpr std::size_t block = 512;
  Impl &impl = impl_of (stream);
  if (rest (impl).empty ()) {
    impl.ahead.resize (block);
    impl.seen = 0;
    gssize got = read_base (
        stream, impl.ahead.data (), block, blocking, cancellable, error);
    impl.ahead.resize (static_cast<std::size_t> (std::max<gssize> (got, 0)));
    if (got < 0) return false;
  }
  chunks::Result<std::size_t> taken = impl.parser.take (rest (impl));
  if (!taken) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        chunks::to_string (taken.code ()));
    return false;
  }
  impl.seen += *taken;
  reframe (impl);
  return true;
}

gssize read_any (gpointer stream, void *buffer, gsize count, gboolean blocking,
    GCancellable *cancellable, GError **error)
{
  Impl &impl = impl_of (stream);
  if (impl.closed) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "closed");
    return -1;
  }
  for (;;) {
    if (!impl.framing.empty ()) {
      gssize got = copy (impl.framing, buffer, count);
      impl.framing.erase (0, static_cast<std::size_t> (got));
      return got;
    }
    if (impl.parser.left () > 0)
      return read_chunk (stream, buffer, count, blocking, cancellable, error);
    if (impl.parser.is_done ()) {
      // Nobody asked for it: so the connection is not used again.
      g_set_error_literal (
          error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "more than a body");
      return -1;
    }
    if (!read_framing (stream, blocking, cancellable, error)) return -1;
  }
}

gssize on_read (GInputStream *stream, void *buffer, gsize count,
    GCancellable *cancellable, GError **error)
{
  return read_any (stream, buffer, count, TRUE, cancellable, error);
}

gssize on_skip (GInputStream *stream, gsize count, GCancellable *cancellable,
    GError **error)
{
  std::array<char, 4096> scratch{};
  return read_any (stream, scratch.data (),
      std::min<gsize> (count, scratch.size ()), TRUE, cancellable, error);
}

gssize on_read_nonblocking (
    GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  return read_any (stream, buffer, count, FALSE, nullptr, error);
}

GPollableInputStream *base_of (gpointer stream)
{
  return G_POLLABLE_INPUT_STREAM (
      static_cast<Stream *> (stream)->parent.base_stream);
}

bool has_some (const Impl &impl)
{
  return !impl.framing.empty () || !rest (impl).empty () ||
         impl.parser.is_done ();
}

gboolean on_can_poll (GPollableInputStream *stream)
{
  return g_pollable_input_stream_can_poll (base_of (stream));
}

gboolean on_is_readable (GPollableInputStream *stream)
{
  return has_some (impl_of (stream)) ||
         g_pollable_input_stream_is_readable (base_of (stream));
}

GSource *on_create_source (
    GPollableInputStream *stream, GCancellable *cancellable)
{
  if (has_some (impl_of (stream))) return g_timeout_source_new (0);
  return g_pollable_input_stream_create_source (base_of (stream), cancellable);
}

void on_finalize (GObject *object)
{
  std::destroy_at (&impl_of (object));
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

void init_class (gpointer klass, gpointer)
{
  parent_class =
      static_cast<GInputStreamClass *> (g_type_class_peek_parent (klass));
  G_OBJECT_CLASS (klass)->finalize = on_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = on_read;
  G_INPUT_STREAM_CLASS (klass)->skip = on_skip;
}

void init_pollable (gpointer iface, gpointer)
{
  auto *pollable = static_cast<GPollableInputStreamInterface *> (iface);
  pollable->can_poll = on_can_poll;
  pollable->is_readable = on_is_readable;
  pollable->create_source = on_create_source;
  pollable->read_nonblocking = on_read_nonblocking;
}

void init (GTypeInstance *instance, gpointer)
{
  std::construct_at (&impl_of (instance));
}

GType register_type ()
{
  // This code may be in a process twice, and a name can not.
  static const char here = 0;
  relay::Owned<gchar> name{g_strdup_printf (
      "RelayChunkStream%p", static_cast<const void *> (&here))};
  GType type = g_type_register_static_simple (G_TYPE_FILTER_INPUT_STREAM,
      name.get (), sizeof (GFilterInputStreamClass), init_class,
      sizeof (Stream), init, static_cast<GTypeFlags> (0));
  const GInterfaceInfo info = {init_pollable, nullptr, nullptr};
  g_type_add_interface_static (type, G_TYPE_POLLABLE_INPUT_STREAM, &info);
  return type;
}

GInputStream *below (GInputStream *stream, const char *name)
{
  if (!G_IS_FILTER_INPUT_STREAM (stream)) return nullptr;
  GInputStream *base =
      g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (stream));
  return g_strcmp0 (G_OBJECT_TYPE_NAME (base), name) == 0 ? base : nullptr;
}

// The connection's lines, under a body in chunks. Null: another body, or
// another libsoup.
GFilterInputStream *lines_of (GInputStream *body)
{
  GInputStream *framed = below (body, "SoupBodyInputStream");
  if (framed == nullptr) return nullptr;
  SoupEncoding encoding = SOUP_ENCODING_NONE;
  g_object_get (framed, "encoding", &encoding, nullptr);
  GInputStream *lines = below (framed, "SoupFilterInputStream");
  if (encoding != SOUP_ENCODING_CHUNKED || lines == nullptr ||
      !G_IS_POLLABLE_INPUT_STREAM (lines))
    return nullptr;
  auto *filter = G_FILTER_INPUT_STREAM (lines);
  return G_IS_POLLABLE_INPUT_STREAM (filter->base_stream) ? filter : nullptr;
}

}  // namespace

ChunkGuard::ChunkGuard (GInputStream *body)
{
  static const GType type = register_type ();
  lines_ = relay::share (lines_of (body));
  if (!lines_) return;
  stream_.reset (
      static_cast<GFilterInputStream *> (g_object_new (type, "base-stream",
          lines_->base_stream, "close-base-stream", FALSE, nullptr)));
  g_set_object (&lines_->base_stream, G_INPUT_STREAM (stream_.get ()));
  // What came with the headers is in libsoup's buffer.
  Impl &impl = impl_of (stream_.get ());
  impl.closed = true;
  std::array<char, 4096> some{};
  for (;;) {
    GError *raw = nullptr;
    gssize got = g_pollable_input_stream_read_nonblocking (
        G_POLLABLE_INPUT_STREAM (lines_.get ()), some.data (), some.size (),
        nullptr, &raw);
    relay::Owned<GError> error{raw};
    if (got <= 0) break;
    impl.ahead.append (some.data (), static_cast<std::size_t> (got));
  }
  impl.closed = false;
}

ChunkGuard::~ChunkGuard () = default;

void ChunkGuard::remove ()
{
  if (!stream_) return;
  Impl &impl = impl_of (stream_.get ());
  // Otherwise it stays, and whoever reads from the connection gets an error.
  if (impl.parser.is_done () && rest (impl).empty ())
    g_set_object (&lines_->base_stream, stream_->base_stream);
  stream_.reset ();
  lines_.reset ();
}

}  // namespace fetcher
