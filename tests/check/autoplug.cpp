// SPDX-License-Identifier: LGPL-2.1-or-later
// The stock elements that choose others by themselves choose cencdecrypt.
#include "common/guarded.h"
#include "encryptedsound.h"

namespace {

using relay::Owned;
using test::Bytes;
using test::encrypted_sound;
using test::sound_key;
using test::sound_kid;
using test::sound_samples;

// A lock that thread sanitizers see.
using Received = relay::Guarded<Bytes>;

void keep (GstElement *, GstBuffer *buffer, GstPad *, Received *received)
{
  Bytes bytes = test::bytes_of (buffer);
  auto all = received->lock ();
  all->insert (all->end (), bytes.begin (), bytes.end ());
}

GstElement *make_sink (Received &received)
{
  GstElement *sink = gst_element_factory_make ("fakesink", nullptr);
  g_object_set (sink, "signal-handoffs", TRUE, "sync", FALSE, nullptr);
  g_signal_connect (sink, "handoff", G_CALLBACK (keep), &received);
  return sink;
}

void link (GstElement *, GstPad *pad, GstElement *sink)
{
  Owned<GstPad> to{gst_element_get_static_pad (sink, "sink")};
  fail_unless (gst_pad_link (pad, to.get ()) == GST_PAD_LINK_OK);
}

Owned<GstElement> make_pipeline (
    const char *name, const std::string &path, Received &received)
{
  GstElement *element = gst_element_factory_make (name, nullptr);
  fail_unless (element != nullptr, "no %s", name);
  GstElement *sink = make_sink (received);
  if (strcmp (name, "playbin") == 0) {
    Owned<gchar> uri{g_filename_to_uri (path.c_str (), nullptr, nullptr)};
    g_object_set (element, "uri", uri.get (), "audio-sink", sink, nullptr);
    // Sound as it comes, without converters.
    gst_util_set_object_arg (G_OBJECT (element), "flags", "audio+native-audio");
    gst_object_ref_sink (element);
    return Owned<GstElement> (element);
  }
  Owned<GstElement> pipeline{gst_pipeline_new (nullptr)};
  gst_object_ref_sink (pipeline.get ());
  GstElement *source = gst_element_factory_make ("filesrc", nullptr);
  g_object_set (source, "location", path.c_str (), nullptr);
  gst_bin_add_many (GST_BIN (pipeline.get ()), source, element, sink, nullptr);
  fail_unless (gst_element_link (source, element));
  g_signal_connect (element, "pad-added", G_CALLBACK (link), sink);
  return pipeline;
}

bool has_cencdecrypt (GstElement *pipeline)
{
  Owned<GstIterator> all{gst_bin_iterate_all_by_element_factory_name (
      GST_BIN (pipeline), "cencdecrypt")};
  GValue item = G_VALUE_INIT;
  bool found = gst_iterator_next (all.get (), &item) == GST_ITERATOR_OK;
  if (found) g_value_unset (&item);
  return found;
}

std::string error_of (GstMessage *message)
{
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR) return "";
  GError *raw_error = nullptr;
  gchar *raw_debug = nullptr;
  gst_message_parse_error (message, &raw_error, &raw_debug);
  Owned<GError> error{raw_error};
  Owned<gchar> debug{raw_debug};
  return std::string (error->message) + " " + (debug ? debug.get () : "");
}

const char *const elements[] = {
    "parsebin", "decodebin", "decodebin3", "playbin"};

}  // namespace

// An application gives the pipeline a context: it does not see the element.
GST_START_TEST (plugged_by_itself)
{
  test::TempDir folder;
  std::string path = folder.path () / "in.mp4";
  const char *element = elements[__i__];
  for (const char *scheme : {"cenc", "cbcs"}) {
    for (bool has_pssh : {true, false}) {
      test::write_file (path, encrypted_sound (has_pssh, scheme));
      Received kept;
      Owned<GstElement> pipeline = make_pipeline (element, path, kept);
      Owned<GstContext> context{gst_context_new ("cenc-keys", TRUE)};
      GVariantBuilder keys;
      g_variant_builder_init (&keys, G_VARIANT_TYPE ("a{ss}"));
      g_variant_builder_add (&keys, "{ss}", sound_kid, sound_key);
      gst_structure_set (gst_context_writable_structure (context.get ()),
          "keys", G_TYPE_VARIANT, g_variant_builder_end (&keys), nullptr);
      gst_element_set_context (pipeline.get (), context.get ());
      // Made before the streaming threads run, which only GLib's locks say.
      (void)kept.lock ();
      gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
      Owned<GstMessage> message = test::wait_message (
          pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
      fail_unless (message != nullptr, "%s: nothing happens", element);
      fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS,
          "%s, %s, %s pssh: %s", element, scheme, has_pssh ? "with" : "no",
          error_of (message.get ()).c_str ());
      fail_unless (has_cencdecrypt (pipeline.get ()));
      gst_element_set_state (pipeline.get (), GST_STATE_NULL);
      Bytes received = kept.copy ();
      fail_unless (received == sound_samples (), "%s, %s, %s pssh: %zu bytes",
          element, scheme, has_pssh ? "with" : "no", received.size ());
    }
  }
}
GST_END_TEST;

static Suite *autoplug_suite ()
{
  Suite *suite = suite_create ("autoplug");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_loop_test (
      tests, plugged_by_itself, 0, static_cast<int> (G_N_ELEMENTS (elements)));
  return suite;
}

GST_CHECK_MAIN (autoplug)
