// SPDX-License-Identifier: LGPL-2.1-or-later
// What holds for every element of the project. A new element is found by
// itself, through the source module that its plugin names.
#include <cstring>
#include <functional>
#include <map>
#include <set>

#include "config.h"
#include "testutil.h"

using relay::Owned;

namespace {

// The names that meson says were built: none may be missing from the registry.
std::set<std::string> expected_elements ()
{
  std::set<std::string> names;
  Owned<gchar *> split{g_strsplit (g_getenv ("RELAY_ELEMENTS"), " ", -1)};
  for (gchar **name = split.get (); *name != nullptr; name++)
    if (**name != '\0') names.insert (*name);
  return names;
}

std::vector<std::string> our_elements ()
{
  std::vector<std::string> names;
  GstRegistry *registry = gst_registry_get ();
  GList *plugins = gst_registry_get_plugin_list (registry);
  for (GList *p = plugins; p != nullptr; p = p->next) {
    GstPlugin *plugin = GST_PLUGIN (p->data);
    if (strcmp (gst_plugin_get_source (plugin), PACKAGE) != 0) continue;
    GList *features = gst_registry_get_feature_list_by_plugin (
        registry, gst_plugin_get_name (plugin));
    for (GList *f = features; f != nullptr; f = f->next)
      if (GST_IS_ELEMENT_FACTORY (f->data))
        names.emplace_back (GST_OBJECT_NAME (f->data));
    gst_plugin_feature_list_free (features);
  }
  gst_plugin_list_free (plugins);
  return names;
}

void for_each_element (const std::function<void (GstElement *)> &body)
{
  for (const std::string &name : our_elements ()) {
    Owned<GstElement> element{
        gst_element_factory_make (name.c_str (), nullptr)};
    fail_unless (element != nullptr, "no %s", name.c_str ());
    gst_object_ref_sink (element.get ());
    body (element.get ());
    gst_element_set_state (element.get (), GST_STATE_NULL);
  }
}

const char *name_of (GstElement *element)
{
  return GST_OBJECT_NAME (gst_element_get_factory (element));
}

// Properties that our own classes install or override, not a stock parent's.
std::vector<GParamSpec *> own_properties (GstElement *element)
{
  std::vector<GParamSpec *> out;
  guint count = 0;
  GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &count);
  for (guint i = 0; i < count; i++)
    if (specs[i]->owner_type == G_OBJECT_TYPE (element))
      out.push_back (specs[i]);
  g_free (specs);
  return out;
}

template <class Spec, class Set>
void write_bounds (GstElement *element, GParamSpec *spec, Set set)
{
  auto *typed = reinterpret_cast<Spec *> (spec);
  for (auto value : {typed->minimum, typed->maximum, typed->default_value}) {
    GValue boxed = G_VALUE_INIT;
    g_value_init (&boxed, spec->value_type);
    set (&boxed, value);
    g_object_set_property (G_OBJECT (element), spec->name, &boxed);
    g_value_unset (&boxed);
  }
}

void write_within_range (GstElement *element, GParamSpec *spec)
{
  switch (G_TYPE_FUNDAMENTAL (spec->value_type)) {
    case G_TYPE_INT:
      return write_bounds<GParamSpecInt> (element, spec, g_value_set_int);
    case G_TYPE_UINT:
      return write_bounds<GParamSpecUInt> (element, spec, g_value_set_uint);
    case G_TYPE_INT64:
      return write_bounds<GParamSpecInt64> (element, spec, g_value_set_int64);
    case G_TYPE_UINT64:
      return write_bounds<GParamSpecUInt64> (element, spec, g_value_set_uint64);
    case G_TYPE_DOUBLE:
      return write_bounds<GParamSpecDouble> (element, spec, g_value_set_double);
    case G_TYPE_BOOLEAN:
      for (gboolean value : {1, 0})
        g_object_set (element, spec->name, value, nullptr);
      return;
    case G_TYPE_ENUM: {
      GEnumClass *values = G_PARAM_SPEC_ENUM (spec)->enum_class;
      for (guint i = 0; i < values->n_values; i++)
        g_object_set (element, spec->name, values->values[i].value, nullptr);
      return;
    }
    case G_TYPE_STRING:
      for (const char *value : {"", "x", static_cast<const char *> (nullptr)})
        g_object_set (element, spec->name, value, nullptr);
      return;
    case G_TYPE_BOXED:
    case G_TYPE_OBJECT:
      g_object_set (element, spec->name, nullptr, nullptr);
      return;
    default:
      ck_abort_msg ("%s: type %s is not tested yet", spec->name,
          g_type_name (spec->value_type));
  }
}

}  // namespace

GST_START_TEST (all_elements_are_registered)
{
  std::set<std::string> found;
  for (const std::string &name : our_elements ()) found.insert (name);
  fail_unless (found == expected_elements (),
      "built: %s; in the registry: %zu elements", g_getenv ("RELAY_ELEMENTS"),
      found.size ());
}
GST_END_TEST;

GST_START_TEST (metadata_is_complete)
{
  for_each_element ([] (GstElement *element) {
    const char *name = name_of (element);
    GstElementFactory *factory = gst_element_get_factory (element);
    for (const char *key :
        {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_KLASS,
            GST_ELEMENT_METADATA_DESCRIPTION, GST_ELEMENT_METADATA_AUTHOR}) {
      const gchar *text = gst_element_factory_get_metadata (factory, key);
      fail_unless (text != nullptr && *text != '\0', "%s: no %s", name, key);
    }
    const gchar *author =
        gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_AUTHOR);
    fail_unless (strchr (author, '@') != nullptr, "%s: no address", name);
    fail_unless (gst_element_factory_get_num_pad_templates (factory) > 0);

    Owned<GstObject> plugin{GST_OBJECT (
        gst_plugin_feature_get_plugin (GST_PLUGIN_FEATURE (factory)))};
    auto *described = GST_PLUGIN (plugin.get ());
    fail_unless (g_str_equal (gst_plugin_get_license (described), GST_LICENSE));
    fail_unless (g_str_equal (gst_plugin_get_version (described), VERSION));
    fail_unless (
        g_str_equal (gst_plugin_get_package (described), GST_PACKAGE_NAME));
  });
}
GST_END_TEST;

GST_START_TEST (states_cycle_three_times)
{
  for_each_element ([] (GstElement *element) {
    // A source needs something to ask for; nobody answers on this port.
    if (g_object_class_find_property (
            G_OBJECT_GET_CLASS (element), "location") != nullptr)
      g_object_set (element, "location", "http://127.0.0.1:9/", nullptr);
    for (int i = 0; i < 3; i++) {
      gst_element_set_state (element, GST_STATE_PLAYING);
      fail_unless (gst_element_set_state (element, GST_STATE_NULL) ==
                       GST_STATE_CHANGE_SUCCESS,
          "%s does not go back to NULL", name_of (element));
    }
  });
}
GST_END_TEST;

GST_START_TEST (properties_are_read_and_written)
{
  // Write-only, because what they hold is in nothing that we write.
  const std::map<std::string, std::set<std::string>> secrets = {
      {"adaptivesrc", {"license-url", "proxy-pw", "user-pw"}},
      {"proxyhttpsrc", {"proxy-pw", "user-pw"}},
      {"cencdecrypt", {"keys", "key", "clearkey-json"}},
      {"cencmp4decrypt", {"keys", "key", "clearkey-json"}},
  };
  for_each_element ([&] (GstElement *element) {
    const char *name = name_of (element);
    for (GParamSpec *spec : own_properties (element)) {
      auto found = secrets.find (name);
      bool secret =
          found != secrets.end () && found->second.count (spec->name) > 0;
      bool readable = (spec->flags & G_PARAM_READABLE) != 0;
      fail_unless (readable != secret, "%s::%s is %s", name, spec->name,
          readable ? "a secret that can be read" : "not readable");
      if ((spec->flags & G_PARAM_WRITABLE) != 0) {
        write_within_range (element, spec);
        unsigned mutability =
            spec->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PAUSED |
                              GST_PARAM_MUTABLE_PLAYING);
        fail_unless (mutability != 0 && (mutability & (mutability - 1)) == 0,
            "%s::%s does not say when it may be changed", name, spec->name);
      }
      if (readable) {
        GValue value = G_VALUE_INIT;
        g_object_get_property (G_OBJECT (element), spec->name, &value);
        g_value_unset (&value);
      }
    }
  });
}
GST_END_TEST;

GST_START_TEST (every_element_has_stats)
{
  for_each_element ([] (GstElement *element) {
    GstStructure *stats = nullptr;
    g_object_get (element, "stats", &stats, nullptr);
    Owned<GstStructure> owned{stats};
    fail_unless (stats != nullptr && gst_structure_n_fields (stats) > 0,
        "%s: no stats", name_of (element));
  });
}
GST_END_TEST;

// Each element has a page; it names each property, signal and field of stats
// in backticks.
GST_START_TEST (pages_are_complete)
{
  for_each_element ([] (GstElement *element) {
    const char *name = name_of (element);
    auto path = std::filesystem::path (g_getenv ("RELAY_SOURCE_ROOT")) /
                "docs" / "elements" / (std::string (name) + ".md");
    test::Bytes bytes = test::read_file (path);
    fail_if (bytes.empty (), "no page docs/elements/%s.md", name);
    std::string page (bytes.begin (), bytes.end ());
    auto names = [&] (std::string_view word) {
      return page.find ("`" + std::string (word) + "`") != std::string::npos;
    };

    for (GParamSpec *spec : own_properties (element)) {
      const gchar *blurb = g_param_spec_get_blurb (spec);
      fail_unless (blurb != nullptr && strlen (blurb) > 10,
          "%s::%s has no blurb", name, spec->name);
      fail_unless (
          names (spec->name), "%s.md lacks property %s", name, spec->name);
    }

    guint count = 0;
    guint *signals = g_signal_list_ids (G_OBJECT_TYPE (element), &count);
    for (guint i = 0; i < count; i++)
      fail_unless (names (g_signal_name (signals[i])), "%s.md lacks signal %s",
          name, g_signal_name (signals[i]));
    g_free (signals);

    GstStructure *stats = nullptr;
    g_object_get (element, "stats", &stats, nullptr);
    Owned<GstStructure> owned{stats};
    for (int i = 0; i < gst_structure_n_fields (stats); i++) {
      const gchar *field =
          gst_structure_nth_field_name (stats, static_cast<guint> (i));
      fail_unless (names (field), "%s.md lacks stats field %s", name, field);
    }
  });
}
GST_END_TEST;

static Suite *generic_suite ()
{
  Suite *suite = suite_create ("generic");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, all_elements_are_registered);
  tcase_add_test (tests, metadata_is_complete);
  tcase_add_test (tests, states_cycle_three_times);
  tcase_add_test (tests, properties_are_read_and_written);
  tcase_add_test (tests, every_element_has_stats);
  tcase_add_test (tests, pages_are_complete);
  return suite;
}

GST_CHECK_MAIN (generic)
