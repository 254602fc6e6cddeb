// SPDX-License-Identifier: LGPL-2.1-or-later
#include "routes.h"

#include "testutil.h"

using routes::Error;
using routes::Rule;
using routes::Table;

namespace {

constexpr const char *direct = "direct";
constexpr const char *block = "block";

// What a request goes by: a proxy, direct, block, or null for no rule.
std::string way (const Rule *rule)
{
  if (rule == nullptr) return "none";
  if (rule->block) return block;
  return rule->route.proxy.empty () ? direct : rule->route.proxy;
}

struct Case
{
  const char *rules;
  const char *uri;
  const char *way;
};

constexpr Case cases[] = {
    {"", "http://a/", "none"},
    {"  ", "http://a/", "none"},
    {"all=direct", "http://a/", direct},
    {"ALL = Block ", "http://a/", block},
    {"all=http://p", "https://a/", "http://p:8080"},
    {"all=socks://p", "https://a/", "socks5://p:1080"},
    {"http=block", "http://a/", block},
    {"http=block", "https://a/", "none"},
    {"https=block", "https://a/", block},
    // names
    {"a.b=block", "http://A.b/", block},
    {"A.B=block", "http://a.b./", block},
    {"a.b.=block", "http://a.b/", block},
    {"a.b=block", "http://x.a.b/", "none"},
    {"a.b=block", "http://a.b.evil/", "none"},
    {"*.a.b=block", "http://x.a.b/", block},
    {"*.a.b=block", "http://x.y.a.b/", block},
    {"*.a.b=block", "http://a.b/", block},
    {"*.a.b=block", "http://xa.b/", "none"},
    {"*.a.b=block", "http://a.b.evil/", "none"},
    // ports: the scheme's, when there is none
    {"a:80=block", "http://a/", block},
    {"a:443=block", "https://a/", block},
    {"a:80=block", "https://a/", "none"},
    {"*:8080=block", "http://a:8080/", block},
    {"*:8080=block", "http://a/", "none"},
    {"*.a:81=block", "http://x.a:81/", block},
    {"*.a:81=block", "http://x.a:82/", "none"},
    // addresses: literal ones only, in whatever form
    {"127.0.0.1=block", "http://127.0.0.1/", block},
    {"127.0.0.1=block", "http://127.1/", block},
    {"127.0.0.1=block", "http://2130706433/", block},
    {"127.0.0.1=block", "http://0x7f000001/", block},
    {"127.0.0.1=block", "http://[::ffff:127.0.0.1]/", block},
    {"127.0.0.1=block", "http://localhost/", "none"},
    {"127.0.0.1:80=block", "http://127.0.0.1:81/", "none"},
    {"10.0.0.0/8=block", "http://10.255.1.2/", block},
    {"10.0.0.0/8=block", "http://11.0.0.1/", "none"},
    {"10.0.0.0/8=block", "http://10.example/", "none"},
    {"10.1.2.3/8=block", "http://10.9.9.9/", block},
    {"0.0.0.0/0=block", "http://1.2.3.4/", block},
    {"0.0.0.0/0=block", "http://[::1]/", "none"},
    {"192.168.1.4/30=block", "http://192.168.1.7/", block},
    {"192.168.1.4/30=block", "http://192.168.1.8/", "none"},
    {"::1=block", "http://[0:0::1]/", block},
    {"[::1]=block", "http://[::1]/", block},
    {"[::1]:80=block", "http://[::1]/", block},
    {"[::1]:81=block", "http://[::1]/", "none"},
    {"fe80::/10=block", "http://[febf::1]/", block},
    {"[fe80::]/10=block", "http://[fec0::1]/", "none"},
    {"::ffff:10.0.0.0/104=block", "http://10.1.1.1/", block},
    // the most specific one wins, in whatever order
    {"all=direct,http=block", "http://a/", block},
    {"http=direct,*:80=block", "http://a/", block},
    {"*:80=direct,1.0.0.0/8=block", "http://1.2.3.4/", block},
    {"1.2.0.0/16=block,1.0.0.0/8=direct", "http://1.2.3.4/", block},
    {"1.0.0.0/8=direct,1.2.3.4=block", "http://1.2.3.4/", block},
    {"*.b.c=direct,*.a.b.c=block", "http://x.a.b.c/", block},
    {"*.a=direct,*.a:80=block", "http://x.a/", block},
    {"*.a.b:80=direct,a.b=block", "http://a.b/", block},
    {"a:80=block,a=direct", "http://a/", block},
    {"a:80=block,a=direct", "http://a:1/", direct},
    {"all=block,a=direct", "http://b/", block},
};

struct Wrong
{
  const char *rules;
  Error error;
  std::size_t position;
  const char *where;
};

constexpr Wrong wrongs[] = {
    {",", Error::empty, 0, "rule 1, byte 0"},
    {"a=direct,", Error::empty, 9, "rule 2, byte 9"},
    {"a=direct, ,b=block", Error::empty, 10, "rule 2, byte 10"},
    {"a", Error::no_target, 1, "rule 1, byte 1"},
    {"a=", Error::no_target, 2, "rule 1 (a), byte 2"},
    {"b=block, a = ", Error::no_target, 12, "rule 2 (a), byte 12"},
    {"=direct", Error::host, 0, "rule 1 (), byte 0"},
    {"*=direct", Error::host, 0, "rule 1 (*), byte 0"},
    {"*a=direct", Error::host, 0, "rule 1 (*a), byte 0"},
    {"a.*=direct", Error::host, 0, "rule 1 (a.*), byte 0"},
    {"*.=direct", Error::host, 0, "rule 1 (*.), byte 0"},
    {".a=direct", Error::host, 0, "rule 1 (.a), byte 0"},
    {"a..b=direct", Error::host, 0, "rule 1 (a..b), byte 0"},
    {"a b=direct", Error::host, 0, "rule 1 (a b), byte 0"},
    {"u@a=direct", Error::host, 0, "rule 1 (u@a), byte 0"},
    {"[::1=direct", Error::host, 0, "rule 1 ([::1), byte 0"},
    {"[a]=direct", Error::host, 0, "rule 1 ([a]), byte 0"},
    {"1::2::3=direct", Error::host, 0, "rule 1 (1::2::3), byte 0"},
    {"a/8=direct", Error::host, 0, "rule 1 (a/8), byte 0"},
    {"http://a=direct", Error::host, 0, "rule 1 (http://a), byte 0"},
    {"10.1/8=direct", Error::host, 0, "rule 1 (10.1/8), byte 0"},
    {"a:=direct", Error::port, 2, "rule 1 (a:), byte 2"},
    {"a:0=direct", Error::port, 2, "rule 1 (a:0), byte 2"},
    {"a:65536=direct", Error::port, 2, "rule 1 (a:65536), byte 2"},
    {"b=direct,*:x=direct", Error::port, 11, "rule 2 (*:x), byte 11"},
    {"10.0.0.0/33=direct", Error::prefix, 9, "rule 1 (10.0.0.0/33), byte 9"},
    {"10.0.0.0/=direct", Error::prefix, 9, "rule 1 (10.0.0.0/), byte 9"},
    {"10.0.0.0/-1=direct", Error::prefix, 9, "rule 1 (10.0.0.0/-1), byte 9"},
    {"::/129=direct", Error::prefix, 3, "rule 1 (::/129), byte 3"},
    {"::ffff:1.2.3.4/95=direct", Error::prefix, 15,
        "rule 1 (::ffff:1.2.3.4/95), byte 15"},
    {"a=drect", Error::target, 2, "rule 1 (a), byte 2"},
    {"a=proxy:8080", Error::target, 2, "rule 1 (a), byte 2"},
    {"a=http://", Error::target, 2, "rule 1 (a), byte 2"},
    {"a=http://p:x", Error::target, 2, "rule 1 (a), byte 2"},
    {"a=ftp://p", Error::scheme, 2, "rule 1 (a), byte 2"},
    {"a=direct:// ", Error::target, 2, "rule 1 (a), byte 2"},
    {"a=direct b", Error::option, 9, "rule 1 (a), byte 9"},
    {"a=direct;x=1", Error::option, 9, "rule 1 (a), byte 9"},
    {"a=direct verify=no", Error::value, 16, "rule 1 (a), byte 16"},
    {"a=direct verify=", Error::value, 16, "rule 1 (a), byte 16"},
    {"a=direct max-connections=0", Error::value, 25, "rule 1 (a), byte 25"},
    {"a=direct max-connections=x", Error::value, 25, "rule 1 (a), byte 25"},
    {"a=direct verify=on ;verify=on", Error::repeated, 20,
        "rule 1 (a), byte 20"},
    {"a=direct,A.=block", Error::repeated, 9, "rule 2 (A.), byte 9"},
    {"::1=direct,[0::1]=block", Error::repeated, 11,
        "rule 2 ([0::1]), byte 11"},
    {"10.0.0.0/8=direct,10.1.1.1/8=block", Error::repeated, 18,
        "rule 2 (10.1.1.1/8), byte 18"},
};

struct Shown
{
  const char *rules;
  const char *shown;
};

constexpr Shown showns[] = {
    {"", ""},
    {"all=block", "all=block"},
    {"a=http://u:p@h verify=off,b=direct",
        "a=http://u:***@h verify=off,b=direct"},
    {"a=socks://u:p@h;verify=off", "a=socks://u:***@h;verify=off"},
    // A comma in a password: none of it is shown.
    {"all=http://u:p,w@h", "all=***,***"},
    {"a=block,b", "a=***,***"},
};

}  // namespace

GST_START_TEST (the_most_specific_rule_wins)
{
  for (const Case &c : cases) {
    routes::Result<Table> table = Table::parse (c.rules);
    fail_unless (table.ok (), "%s", c.rules);
    uri::Result<uri::Uri> target = uri::parse (c.uri);
    fail_unless (target.ok (), "%s", c.uri);
    std::string found = way (table->find (*target));
    fail_unless (found == c.way, "%s, %s: %s in place of %s", c.rules, c.uri,
        found.c_str (), c.way);
  }
}
GST_END_TEST;

GST_START_TEST (options_belong_to_their_rule)
{
  routes::Result<Table> table = Table::parse (
      "a=http://u:p@h:1 verify=off; max-connections=3 ,b=direct;verify=on,"
      "all=socks5://u:p@h");
  fail_unless (table.ok ());
  const Rule *a = table->find (*uri::parse ("https://a/"));
  fail_unless (!a->verify && a->max_connections == 3u);
  fail_unless (a->route.proxy == "http://h:1");
  fail_unless (a->route.authorization == "Basic dTpw");
  const Rule *b = table->find (*uri::parse ("https://b/"));
  fail_unless (b->verify && !b->max_connections);
  fail_unless (b->route.authorization.empty ());
  const Rule *other = table->find (*uri::parse ("https://c/"));
  fail_unless (other->route.proxy == "socks5://u:p@h:1080");
}
GST_END_TEST;

GST_START_TEST (what_is_no_rule_is_named)
{
  for (const Wrong &c : wrongs) {
    routes::Result<Table> table = Table::parse (c.rules);
    fail_if (table.ok (), "%s", c.rules);
    fail_unless (table.code () == c.error, "%s: %s in place of %s", c.rules,
        routes::to_string (table.code ()), routes::to_string (c.error));
    fail_unless (table.position () == c.position, "%s: at %u", c.rules,
        static_cast<unsigned> (table.position ()));
    std::string where = routes::describe (c.rules, table.position ());
    fail_unless (where == c.where, "%s: %s", c.rules, where.c_str ());
  }
  std::string many;
  for (std::size_t i = 0; i <= routes::max_rules; i++)
    many += (i > 0 ? ",h" : "h") + std::to_string (i) + "=direct";
  fail_unless (Table::parse (many).code () == Error::too_many);
  fail_unless (Table::parse (many.substr (0, many.rfind (','))).ok ());
}
GST_END_TEST;

GST_START_TEST (passwords_are_not_shown)
{
  for (const Shown &c : showns) {
    std::string shown = routes::shown (c.rules);
    fail_unless (shown == c.shown, "%s: %s", c.rules, shown.c_str ());
  }
}
GST_END_TEST;

static Suite *routes_suite ()
{
  Suite *suite = suite_create ("routes");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, the_most_specific_rule_wins);
  tcase_add_test (tests, options_belong_to_their_rule);
  tcase_add_test (tests, what_is_no_rule_is_named);
  tcase_add_test (tests, passwords_are_not_shown);
  return suite;
}

GST_CHECK_MAIN (routes)
