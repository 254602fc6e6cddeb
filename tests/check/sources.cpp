// SPDX-License-Identifier: LGPL-2.1-or-later
// Two rules of the sources themselves: they are ASCII with a licence line, and
// po/POTFILES lists each file that has a text to translate, and no other.
#include <algorithm>
#include <regex>
#include <set>

#include "testutil.h"

namespace fs = std::filesystem;

namespace {

fs::path root ()
{
  return g_getenv ("RELAY_SOURCE_ROOT");
}

std::vector<fs::path> sources ()
{
  std::vector<fs::path> out;
  for (const char *folder : {"gst", "ext", "tests", "examples"})
    for (const auto &entry :
        fs::recursive_directory_iterator (root () / folder))
      if (entry.path ().extension () == ".cpp" ||
          entry.path ().extension () == ".h")
        out.push_back (entry.path ());
  return out;
}

std::string text_of (const fs::path &path)
{
  test::Bytes bytes = test::read_file (path);
  return std::string (bytes.begin (), bytes.end ());
}

}  // namespace

GST_START_TEST (sources_are_ascii_and_licensed)
{
  fail_unless (sources ().size () > 10);
  for (const fs::path &path : sources ()) {
    std::string text = text_of (path);
    fail_unless (
        text.starts_with ("// SPDX-License-Identifier: LGPL-2.1-or-later\n"),
        "%s has no licence line", path.c_str ());
    fail_unless (std::all_of (text.begin (), text.end (),
                     [] (char c) { return (c & 0x80) == 0; }),
        "%s is not ASCII", path.c_str ());
  }
}
GST_END_TEST;

GST_START_TEST (potfiles_are_complete)
{
  std::set<std::string> listed;
  for (const std::string &line :
      test::lines (text_of (root () / "po/POTFILES")))
    if (!line.empty () && line[0] != '#') listed.insert (line);

  const std::regex translated (R"((^|[^A-Za-z0-9_])N?_ ?\(")");
  std::set<std::string> needed;
  for (const fs::path &path : sources ()) {
    std::string name = fs::relative (path, root ()).string ();
    if (!name.starts_with ("tests/") &&
        std::regex_search (text_of (path), translated))
      needed.insert (name);
  }
  for (const std::string &name : needed)
    fail_unless (
        listed.count (name) > 0, "%s is not in POTFILES", name.c_str ());
  for (const std::string &name : listed)
    fail_unless (
        needed.count (name) > 0, "%s has nothing to translate", name.c_str ());
}
GST_END_TEST;

static Suite *sources_suite ()
{
  Suite *suite = suite_create ("sources");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, sources_are_ascii_and_licensed);
  tcase_add_test (tests, potfiles_are_complete);
  return suite;
}

GST_CHECK_MAIN (sources)
