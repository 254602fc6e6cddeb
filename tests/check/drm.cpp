// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drm.h"

#include "testutil.h"

using presentation::ContentProtection;

namespace {

constexpr const char *widevine = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";
constexpr const char *playready = "9a04f079-9840-4286-ab92-e65be0885f95";
constexpr const char *clear_key = "e2719d58-a985-b3c9-781a-b030af78d30e";

std::string base64 (const char *hex)
{
  test::Bytes bytes = test::hex (hex);
  relay::Owned<gchar> text{g_base64_encode (bytes.data (), bytes.size ())};
  return text.get ();
}

// Version 0 with the data 01 02 03.
const std::string widevine_pssh = base64 (
    "00000023 70737368 00000000 edef8ba979d64acea3c827dcd51d21ed 00000003 "
    "010203");

ContentProtection mp4 (const std::string &kid)
{
  ContentProtection out;
  out.scheme_id_uri = "urn:mpeg:dash:mp4protection:2011";
  out.value = "cenc";
  out.default_kid = kid;
  return out;
}

ContentProtection of_system (const std::string &uuid)
{
  ContentProtection out;
  out.scheme_id_uri = "urn:uuid:" + uuid;
  return out;
}

constexpr const char *kid = "eb676abb-cb34-5e96-bbcf-616630f1a3da";
constexpr const char *kid_digits = "eb676abbcb345e96bbcf616630f1a3da";

}  // namespace

GST_START_TEST (systems_have_boxes)
{
  ContentProtection one = of_system ("EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED");
  one.pssh = {"\n  " + widevine_pssh.substr (0, 8) + "\n " +
                  widevine_pssh.substr (8) + " ",
      // Neither base64, nor a box, nor of this system.
      "*", "AAAA",
      base64 ("00000020 70737368 00000000 9a04f07998404286ab92e65be0885f95 "
              "00000000")};
  ContentProtection two = of_system (playready);
  two.playready = "AQID";
  // ClearKey's has the key ids.
  ContentProtection three = of_system (clear_key);
  // Of these nothing is known but their names.
  ContentProtection four = of_system ("5e629af5-38da-4063-8977-97ffbd9902d4");
  std::vector<ContentProtection> all = {
      mp4 (kid), one, two, three, four, one, of_system ("no-uuid"), {}};
  auto found = drm::systems (all);
  fail_unless_equals_uint64 (found.size (), 3);
  fail_unless (found[0].id == widevine && found[1].id == playready &&
               found[2].id == clear_key);
  fail_unless (found[0].pssh ==
               test::hex ("00000023 70737368 00000000 "
                          "edef8ba979d64acea3c827dcd51d21ed 00000003 010203"));
  fail_unless (found[1].pssh ==
               test::hex ("00000023 70737368 00000000 "
                          "9a04f07998404286ab92e65be0885f95 00000003 010203"));
  fail_unless (found[2].pssh ==
               test::hex (std::string ("00000034 70737368 01000000 "
                                       "e2719d58a985b3c9781ab030af78d30e "
                                       "00000001") +
                          kid_digits + "00000000"));
  // Without key ids it has nothing to say.
  fail_unless (drm::systems (std::vector{three}).empty ());
}
GST_END_TEST;

GST_START_TEST (key_ids_are_read)
{
  std::vector<ContentProtection> all = {
      mp4 (std::string ("  ") + kid + "\n00000000-0000-0000-0000-000000000001"),
      mp4 (kid_digits), mp4 ("no key id"), mp4 ("")};
  fail_unless (drm::key_ids (all) == std::vector<std::string> ({kid_digits,
                                         "00000000000000000000000000000001"}));
}
GST_END_TEST;

GST_START_TEST (licences_are_asked_for)
{
  // Encrypted Media Extensions 9.1.3.
  std::vector<std::string> kids = {"2d3b0abcdef0123456789abcdef01234",
      "ffffffffffffffffffffffffffffffff", "no key id"};
  fail_unless (drm::license_request (kids) ==
               "{\"kids\":[\"LTsKvN7wEjRWeJq83vASNA\","
               "\"_____________________w\"],\"type\":\"temporary\"}");
  fail_unless (
      drm::license_request ({}) == "{\"kids\":[],\"type\":\"temporary\"}");

  ContentProtection one = of_system (widevine);
  one.license_uri = "http://h/widevine";
  ContentProtection two = of_system (clear_key);
  two.license_uri = "http://h/clearkey";
  fail_unless (drm::license_uri (std::vector{one}).empty ());
  fail_unless (drm::license_uri (std::vector{mp4 (kid), one,
                   of_system (clear_key), two}) == "http://h/clearkey");
}
GST_END_TEST;

static Suite *drm_suite ()
{
  Suite *suite = suite_create ("drm");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, systems_have_boxes);
  tcase_add_test (tests, key_ids_are_read);
  tcase_add_test (tests, licences_are_asked_for);
  return suite;
}

GST_CHECK_MAIN (drm)
