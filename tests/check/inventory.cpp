// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inventory.h"

#include <sys/wait.h>

#include "teststore.h"

namespace {

namespace fs = std::filesystem;
using inventory::Object;
using inventory::State;
using store::Store;
using test::is_there;
using test::keep;
using test::TempDir;

std::shared_ptr<Store> open (const fs::path &folder)
{
  auto result = Store::open (folder, test::small_store);
  fail_unless (result.ok ());
  return *result;
}

std::vector<std::string> keys_of (const fs::path &folder, const char *prefix)
{
  std::vector<std::string> keys;
  for (const Object &object : inventory::list (disk::system (), folder, prefix))
    keys.push_back (object.key);
  return keys;
}

using Keys = std::vector<std::string>;

// Flips a byte of a file.
void damage (const fs::path &path, std::size_t at)
{
  test::Bytes bytes = test::read_file (path);
  bytes.at (at) ^= 1;
  test::write_file (path, bytes);
}

// The status of examples/cachefolder, and what it prints.
int cachefolder (const std::string &arguments, std::string *output = nullptr)
{
  std::string command = std::string (g_getenv ("RELAY_EXAMPLES")) +
                        "/cachefolder " + arguments + " 2>&1";
  FILE *pipe = popen (command.c_str (), "r");
  fail_unless (pipe != nullptr);
  std::string text;
  for (int c = std::fgetc (pipe); c != EOF; c = std::fgetc (pipe))
    text += static_cast<char> (c);
  int status = pclose (pipe);
  if (output != nullptr) *output = text;
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

}  // namespace

GST_START_TEST (lists_what_is_there)
{
  TempDir temp;
  auto store = open (temp.path ());
  for (const char *key : {"b/2", "a/1", "b/1"})
    fail_unless (keep (*store, key, 1000, 1).ok ());
  fail_unless (keys_of (temp.path (), "") == (Keys{"a/1", "b/1", "b/2"}));
  fail_unless (keys_of (temp.path (), "b/") == (Keys{"b/1", "b/2"}));
  fail_unless (keys_of (temp.path (), "c").empty ());

  auto reader = store->find ("a/1");
  auto writer = store->create ("w");
  auto now = static_cast<std::uint64_t> (time (nullptr));
  for (const Object &object : inventory::list (disk::system (), temp.path ())) {
    bool is_written = object.key == "w";
    fail_unless (
        object.state == (is_written ? State::incomplete : State::whole));
    fail_unless (object.payload == (is_written ? 0U : 1000U));
    fail_unless (object.in_use == (is_written || object.key == "a/1"));
    fail_unless (object.bytes >= object.payload);
    fail_unless (object.created + 60 > now && object.created <= now + 1);
    fail_unless (object.last_use + 60 > now && object.last_use <= now + 1);
  }
}
GST_END_TEST;

GST_START_TEST (verifies_all_data)
{
  TempDir temp;
  auto store = open (temp.path ());
  fail_unless (keep (*store, "k", 1000, 1).ok ());
  std::vector<Object> objects = inventory::list (disk::system (), temp.path ());
  fail_unless (objects.size () == 1);
  const Object &object = objects[0];
  fail_unless (inventory::verify (disk::system (), object) == State::whole);
  const fs::path data = object.names.data;
  std::size_t size = test::read_file (data).size ();
  for (std::size_t at = record::data_start; at < size; at += 50) {
    damage (data, at);
    fail_unless (inventory::verify (disk::system (), object) == State::damaged,
        "byte %zu", at);
    damage (data, at);
  }
  fs::resize_file (data, size - 1);
  fail_unless (inventory::list (disk::system (), temp.path ())[0].state ==
               State::damaged);
  fs::remove (data);
  fail_unless (inventory::verify (disk::system (), object) == State::damaged);
}
GST_END_TEST;

GST_START_TEST (purges_by_key_and_by_prefix)
{
  TempDir temp;
  auto store = open (temp.path ());
  for (const char *key : {"a", "a/1", "a/2", "b"})
    fail_unless (keep (*store, key, 1000, 1).ok ());
  fail_unless (store->purge ("c") == 0);
  fail_unless (store->purge ("a") == 1);
  fail_unless (keys_of (temp.path (), "") == (Keys{"a/1", "a/2", "b"}));
  fail_unless (store->purge_prefix ("a/") == 2);
  fail_unless (keys_of (temp.path (), "") == Keys{"b"});
  // No data is left.
  fail_unless (test::files_of (temp.path (), ".dat").size () == 1);
  fail_unless (is_there (*store, "b", 1000, 1));
  fail_unless (store->purge_prefix ("") == 1);
  fail_unless (test::files_of (temp.path (), ".idx").empty ());
}
GST_END_TEST;

GST_START_TEST (purges_what_is_in_use)
{
  TempDir temp;
  auto store = open (temp.path ());
  fail_unless (keep (*store, "k", 1000, 1).ok ());
  auto reader = store->find ("k");
  auto writer = store->create ("k");
  fail_unless (reader.ok () && writer.ok ());
  fail_unless (store->purge ("k") == 2);
  fail_if (store->find ("k").ok ());
  // Who reads goes on; who writes too, but it is found by nobody.
  fail_unless (test::payload_of (**reader) == test::pattern (1000, 1));
  (*writer)->finish ();
  (void)(*writer)->close ();
  fail_if (store->find ("k").ok ());
  fail_unless (keep (*store, "k", 500, 2).ok ());
  fail_unless (is_there (*store, "k", 500, 2));
}
GST_END_TEST;

GST_START_TEST (leaves_what_is_not_ours)
{
  TempDir temp;
  auto store = open (temp.path ());
  fail_unless (keep (*store, "k", 100, 1).ok ());
  fs::path index = test::files_of (temp.path (), ".idx")[0];
  // A copy under the name of another key, and one that is broken.
  std::string stem (32, '0');
  stem.replace (0, 2, index.parent_path ().filename ().string ());
  fs::path copy = index.parent_path () / (stem + ".00000001.idx");
  fs::copy_file (index, copy);
  fs::path broken = index.parent_path () / (stem + ".00000002.idx");
  test::write_file (broken, test::hex ("00"));
  fail_unless (keys_of (temp.path (), "") == Keys{"k"});
  fail_unless (store->purge_prefix ("") == 1);
  fail_unless (fs::exists (copy) && fs::exists (broken));
}
GST_END_TEST;

GST_START_TEST (the_example)
{
  if (!fs::exists (std::string (g_getenv ("RELAY_EXAMPLES")) + "/cachefolder"))
    return;
  TempDir temp;
  auto store = open (temp.path () / "c");
  for (const char *key : {"a/1", "a/2\n", "b"})
    fail_unless (keep (*store, key, 1000, 1).ok ());
  std::string folder = (temp.path () / "c").string ();
  std::string text;
  fail_unless (cachefolder ("", &text) == 2);
  fail_unless (cachefolder ("purge " + folder) == 2);
  fail_unless (cachefolder ("list " + temp.path ().string ()) == 2);
  fail_unless (cachefolder ("list " + folder, &text) == 0);
  fail_unless (
      text.find ("a/2\\x0a\n") != std::string::npos, "%s", text.c_str ());
  fail_unless (text.find ("\n3 objects, ") != std::string::npos);
  fail_unless (cachefolder ("verify " + folder + " a/", &text) == 0);
  fail_unless (text.find ("\n2 objects, ") != std::string::npos);
  damage (folder::Family (disk::system (), folder, "b").names (1).data,
      record::data_start + 5);
  fail_unless (cachefolder ("verify " + folder, &text) == 1);
  fail_unless (text.find (", 1 damaged") != std::string::npos);
  fail_unless (cachefolder ("purge " + folder + " b") == 0);
  fail_unless (cachefolder ("purge " + folder + " b") == 1);
  fail_unless (cachefolder ("purge-prefix " + folder + " a/", &text) == 0);
  fail_unless (text == "2 objects removed\n");
}
GST_END_TEST;

static Suite *inventory_suite ()
{
  Suite *suite = suite_create ("inventory");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, lists_what_is_there);
  tcase_add_test (tests, verifies_all_data);
  tcase_add_test (tests, purges_by_key_and_by_prefix);
  tcase_add_test (tests, purges_what_is_in_use);
  tcase_add_test (tests, leaves_what_is_not_ours);
  tcase_add_test (tests, the_example);
  return suite;
}

GST_CHECK_MAIN (inventory)
