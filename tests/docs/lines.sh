# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# To be sourced: the launch lines of documents.

# launch_lines FILE...: the lines of indented blocks that begin with
# gst-launch-1.0, those that end with a backslash joined with the next.
launch_lines() {
  awk '
    /^    / {
      text = substr ($0, 5)
      if (line == "" && text !~ /^gst-launch-1\.0 /) next
      line = line text
      if (sub (/\\$/, "", line)) next
      print line
    }
    { line = "" }
  ' "$@"
}
