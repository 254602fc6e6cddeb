// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

// A socket that listens on 127.0.0.1, with room for more than the ten
// connections that libsoup lets wait: those beyond try again after a second.
// Null if there can be none.
inline GSocket *listen_locally (guint16 port)
{
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_TCP, nullptr);
  if (socket == nullptr) return nullptr;
  GSocketAddress *address =
      g_inet_socket_address_new_from_string ("127.0.0.1", port);
  g_socket_set_listen_backlog (socket, 1024);
  bool listens = g_socket_bind (socket, address, TRUE, nullptr) &&
                 g_socket_listen (socket, nullptr);
  g_object_unref (address);
  if (!listens) g_clear_object (&socket);
  return socket;
}
