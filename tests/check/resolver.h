// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/guarded.h"

// A resolver for the whole process that writes down every name that it is asked
// for. It knows "direct.test" as 127.0.0.1; "hangs.test" has no answer before
// the question is withdrawn; other names are not known.
namespace test {

inline relay::Guarded<std::vector<std::string>> &names_asked ()
{
  static auto *names = new relay::Guarded<std::vector<std::string>>;
  return *names;
}

namespace resolver {

inline GList *lookup (
    GResolver *, const gchar *name, GCancellable *cancellable, GError **error)
{
  names_asked ().lock ()->emplace_back (name);
  if (std::string_view (name) == "direct.test")
    return g_list_append (
        nullptr, g_inet_address_new_from_string ("127.0.0.1"));
  if (std::string_view (name) == "hangs.test") {
    GPollFD poll;
    if (g_cancellable_make_pollfd (cancellable, &poll)) {
      g_poll (&poll, 1, -1);
      g_cancellable_release_fd (cancellable);
    }
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return nullptr;
  }
  g_set_error (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
      "%s is not known here", name);
  return nullptr;
}

inline GList *lookup_with_flags (GResolver *self, const gchar *name,
    GResolverNameLookupFlags, GCancellable *cancellable, GError **error)
{
  return lookup (self, name, cancellable, error);
}

inline void free_addresses (gpointer list)
{
  g_resolver_free_addresses (static_cast<GList *> (list));
}

inline void lookup_async (GResolver *self, const gchar *name,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (self, cancellable, callback, data);
  g_task_set_task_data (task, g_strdup (name), g_free);
  g_task_run_in_thread (
      task, [] (GTask *t, gpointer source, gpointer text, GCancellable *c) {
        GError *error = nullptr;
        GList *list = lookup (static_cast<GResolver *> (source),
            static_cast<const gchar *> (text), c, &error);
        if (error != nullptr)
          g_task_return_error (t, error);
        else
          g_task_return_pointer (t, list, free_addresses);
      });
  g_object_unref (task);
}

inline void lookup_with_flags_async (GResolver *self, const gchar *name,
    GResolverNameLookupFlags, GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer data)
{
  lookup_async (self, name, cancellable, callback, data);
}

inline GList *lookup_finish (GResolver *, GAsyncResult *result, GError **error)
{
  return static_cast<GList *> (
      g_task_propagate_pointer (G_TASK (result), error));
}

// SRV and the like: nothing asks for these, and if, it is written down.
inline GList *lookup_records (GResolver *self, const gchar *name,
    GResolverRecordType, GCancellable *cancellable, GError **error)
{
  return lookup (self, name, cancellable, error);
}

inline GList *lookup_service (GResolver *self, const gchar *name,
    GCancellable *cancellable, GError **error)
{
  return lookup (self, name, cancellable, error);
}

inline void init_class (gpointer raw, gpointer)
{
  auto *klass = static_cast<GResolverClass *> (raw);
  klass->lookup_by_name = lookup;
  klass->lookup_by_name_async = lookup_async;
  klass->lookup_by_name_finish = lookup_finish;
  klass->lookup_by_name_with_flags = lookup_with_flags;
  klass->lookup_by_name_with_flags_async = lookup_with_flags_async;
  klass->lookup_by_name_with_flags_finish = lookup_finish;
  klass->lookup_records = lookup_records;
  klass->lookup_service = lookup_service;
}

}  // namespace resolver

// Before the first look-up of the process.
inline void install_resolver ()
{
  static const GType type = g_type_register_static_simple (G_TYPE_RESOLVER,
      "RelayTestResolver", sizeof (GResolverClass), resolver::init_class,
      sizeof (GResolver), nullptr, static_cast<GTypeFlags> (0));
  auto *ours = static_cast<GResolver *> (g_object_new (type, nullptr));
  g_resolver_set_default (ours);
  g_object_unref (ours);
}

}  // namespace test
