// SPDX-License-Identifier: LGPL-2.1-or-later

// Parses launch lines from stdin, one in each line, as gst-launch-1.0 would,
// and runs none. Ends with 1 when one of them is wrong.
#include <gst/gst.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "common/gstpp.h"

static bool parses (const std::string &line)
{
  GError *raw_error = nullptr;
  int count = 0;
  gchar **raw_words = nullptr;
  if (!g_shell_parse_argv (line.c_str (), &count, &raw_words, &raw_error)) {
    relay::Owned<GError> error{raw_error};
    std::printf ("%s\n  %s\n", line.c_str (), error->message);
    return false;
  }
  relay::Owned<gchar *> words{raw_words};
  gchar **pipeline = raw_words + 1;
  while (*pipeline != nullptr && **pipeline == '-') pipeline++;
  relay::Owned<GstElement> element{
      gst_parse_launchv (const_cast<const gchar **> (pipeline), &raw_error)};
  if (element) gst_object_ref_sink (element.get ());
  relay::Owned<GError> error{raw_error};
  if (error) std::printf ("%s\n  %s\n", line.c_str (), error->message);
  return !error;
}

int main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  int lines = 0;
  int wrong = 0;
  for (std::string line; std::getline (std::cin, line); lines++)
    if (!parses (line)) wrong++;
  std::printf ("%d lines, %d wrong\n", lines, wrong);
  return wrong == 0 && lines > 0 ? 0 : 1;
}
