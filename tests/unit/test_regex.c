/* SPDX-License-Identifier: Apache-2.0 */
/* RE2's syntax through PCRE2: what matches and what the groups are, what is refused and where, the
 * templates, and the bound on hostile patterns. What a real Prometheus made of many more is in
 * test_relabel_recorded.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "model/regex/regex.h"

#define TOO_LARGE (4 << 20)

#define autoregex __attribute__((cleanup(regex_free)))

static struct regex *compile(const char *pattern)
{
    struct regex_error error;
    struct regex *regex = NULL;

    if (regex_new(text_of(pattern), &regex, &error))
        fail_msg("%s: %s (%zu)", pattern, error.message, error.offset);
    return regex;
}

/* NULL expected: no match. */
static const struct {
    const char *pattern, *text, *template, *expected;
} matches[] = {
    /* the whole text */
    {"", "", "[$0]", "[]"},
    {"", "a", "", NULL},
    {"a", "ab", "", NULL},
    {"a|ab", "ab", "$0", "ab"},
    {"b|a|", "", "$0", ""},
    {"a$", "a\n", "", NULL},
    {"^^a$$", "a", "$0", "a"},
    {"\\Aa\\z", "a", "$0", "a"},
    /* flags */
    {"a.b", "a\nb", "$0", "a\nb"},
    {"(?-s)a.b", "a\nb", "", NULL},
    {"(?-s:.)(.)", "a\n", "$1", "\n"},
    {"(?i)stra\303\237e", "STRA\341\272\236E", "$0", "STRA\341\272\236E"},
    {"a(?i)b|c", "C", "$0", "C"},
    {"(?:a(?i)b)c", "aBC", "", NULL},
    {"(?i:k)", "\342\204\252", "yes", "yes"},
    {"(?m)a$\n^b", "a\nb", "$0", "a\nb"},
    {"(?m)a\n^", "a\n", "yes", "yes"},
    {"(?U)(a*)(.*)", "aab", "$1-$2", "-aab"},
    {"(?U)(a*?)(.*)", "aab", "$1-$2", "aa-b"},
    {"(?U-s:.)(?s-U:.)", "a\n", "yes", "yes"},
    /* repetition */
    {"(a+?)(a*)", "aaa", "$1-$2", "a-aa"},
    {"a(?i)*", "aaa", "$0", "aaa"},
    {"(a*(?i)*)", "aaa", "$1", "aaa"},
    {"a{,2}", "a{,2}", "$0", "a{,2}"},
    {"a{01}", "a{01}", "$0", "a{01}"},
    {"a{", "a{", "$0", "a{"},
    {"x{2,3}?(x*)", "xxxx", "$1", "xx"},
    {"\\b*a\\B*", "a", "$0", "a"},
    {"(?:a{10}){100}", "aa", "", NULL},
    {"\\Qa+\\E+", "a+++", "$0", "a+++"},
    /* characters */
    {"\\x41\\x{1F600}\\101\\0\\a\\v", "A\360\237\230\200A", "", NULL},
    {"\\x41\\x{1F600}\\101", "A\360\237\230\200A", "$0", "A\360\237\230\200A"},
    {"\\018\\0011", "\0018\0011", "yes", "yes"},
    {"\\_\\-\\/\\@ #", "_-/@ #", "$0", "_-/@ #"},
    {"\\x{D800}?a", "a", "$0", "a"},
    {"]}", "]}", "$0", "]}"},
    /* classes */
    {"[]a]+", "]a", "$0", "]a"},
    {"[^]a]", "b", "$0", "b"},
    {"[a-]+", "a-", "$0", "a-"},
    {"[+--]", ",", "$0", ","},
    {"[\\]\\\\^-]+", "]\\^-", "$0", "]\\^-"},
    {"\\d\\D\\w\\W\\s\\S", "1aa- a", "$0", "1aa- a"},
    {"\\s", "\v", "", NULL},
    {"[[:space:]]", "\v", "yes", "yes"},
    {"\\w", "\303\244", "", NULL},
    {"[[:word:]\\-]+", "a_1-", "$0", "a_1-"},
    {"[[:^alpha:][:digit:]]", "a", "", NULL},
    {"[^[:^alpha:]]", "a", "yes", "yes"},
    {"(?i)[^[:^upper:]]", "a", "yes", "yes"},
    {"(?i)[[:^upper:]]", "a", "", NULL},
    {"[\\D\\W]", "5", "", NULL},
    {"[^\\D\\W]", "5", "yes", "yes"},
    {"[:alpha:]", "p", "yes", "yes"},
    {"\\pN\\p{Greek}\\PN\\p{^Lu}", "1\316\261aa", "yes", "yes"},
    {"[\\p{Lu}\\d]+", "\303\2041", "yes", "yes"},
    {"[^\\x00-\\x{10FFFF}]|a", "a", "yes", "yes"},
    {"[\\x{D700}-\\x{E000}]", "\356\200\200", "yes", "yes"},
    /* templates */
    {"(a)(?P<n>b)(?<m>c)", "abc", "$1x-${1}x-$n-${m}-$$-$-${-${n-$9-${-1}-$01",
     "-ax-b-c-$-$-${-${n--${-1}-"},
    {"(a)|(b)", "b", "[$1][$2]", "[][b]"},
    {"(?P<n>a)|(?P<n>b)", "b", "$n", "b"},
    {"(a)", "a", "$1\303\244${1}\303\244", "a\303\244"},
    {"(a)", "a", "$", "$"},
    {"(a)", "a", "a$$1", "a$1"},
};

static void assert_groups(const struct regex *regex, struct text text, const char *expected)
{
    static const char *const templates[] = {"", "[$1]", "[$1][$2]", "[$1][$2][$3]"};
    autobuffer struct buffer out;
    struct regex_template *template;
    size_t groups = 0;

    for (const char *at = expected; (at = strchr(at, '[')); at++)
        groups++;
    buffer_init(&out, 1000);
    assert_int_equal(regex_template_new(regex, text_of(templates[groups]), &template), 0);
    assert_int_equal(regex_template_expand(template, text, &out), 0);
    assert_string_equal(out.bytes, expected);
    regex_template_free(&template);
}

static void test_matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
        struct text text = text_of(matches[i].text);
        autoregex struct regex *regex = compile(matches[i].pattern);
        autobuffer struct buffer out;
        struct regex_template *template;

        buffer_init(&out, 1000);
        if (regex_match(regex, text) != (matches[i].expected != NULL))
            fail_msg("%s on \"%s\"", matches[i].pattern, matches[i].text);
        if (!matches[i].expected)
            continue;
        assert_int_equal(regex_template_new(regex, text_of(matches[i].template), &template), 0);
        assert_int_equal(regex_template_expand(template, text, &out), 0);
        assert_string_equal(out.bytes ? out.bytes : "", matches[i].expected);
        regex_template_free(&template);
    }
}

static const struct {
    const char *pattern;
    size_t offset;
    const char *message;
} refused[] = {
    {"a(b", 1, "( without its )"},
    {"(a)b)", 4, "unexpected ): no group is open"},
    {"a)|(b", 1, "unexpected ): no group is open"},
    {"ab[c", 2, "[ without its ]"},
    {"[", 0, "[ without its ]"},
    {"[]", 0, "[ without its ]"},
    {"a\\", 1, "a backslash at the end"},
    {"\\Qa", 0, "\\Q without its \\E"},
    {"a**", 2, "* right behind a repetition: RE2 has no possessive ones; repeat a group, (?:...)"},
    {"a{2}+", 4,
     "+ right behind a repetition: RE2 has no possessive ones; repeat a group, (?:...)"},
    {"*a", 0, "* has nothing to repeat"},
    {"a|{3}", 2, "{3} has nothing to repeat"},
    {"(?i)+", 4, "+ has nothing to repeat"},
    {"a{1001}", 1, "{1001}: 1000 is the most that RE2 repeats"},
    {"a{2,1}", 1, "{2,1}: the first number is the larger one"},
    {"(a{100}){11}", 8, "{11}: with the repetitions within more than 1000 in all"},
    {"a(?=b)", 1, "(?=: RE2 has no look-ahead"},
    {"a(?!b)", 1, "(?!: RE2 has no look-ahead"},
    {"(?<=a)b", 0, "(?<=: RE2 has no look-behind"},
    {"(?<!a)b", 0, "(?<!: RE2 has no look-behind"},
    {"(?>a)", 0, "(?>: RE2 has no atomic groups"},
    {"(?|a)", 0, "(?|: RE2 has no branch reset groups"},
    {"(?#a)", 0, "(?#: RE2 has no comments"},
    {"(?(1)a)", 0, "(?(: RE2 has no conditions"},
    {"(?R)", 0, "(?R: RE2 has no recursion"},
    {"(?1)", 0, "(?1: RE2 has no recursion"},
    {"(?&a)", 0, "(?&: RE2 has no subroutines"},
    {"(?P>a)", 0, "(?P>: RE2 has no subroutines"},
    {"(?P=a)", 0, "(?P=: RE2 has no back-references"},
    {"(?C1)", 0, "(?C: RE2 has no callouts"},
    {"(?x) a", 0, "(?x: RE2 has no flag x"},
    {"(?'n'a)", 0, "(?': RE2 has no names in quotes; write (?P<name>...)"},
    {"(*UTF)a", 0, "(*: RE2 has no verbs, and there is nothing to repeat"},
    {"(?i", 0, "invalid or unfinished group (?i"},
    {"(?\n", 0, "invalid or unfinished group (??"},
    {"(?\x7f", 0, "invalid or unfinished group (??"},
    {"(?i-)", 0, "invalid or unfinished group (?i-)"},
    {"(?P<a-b>c)", 0, "the name of a group is letters, digits and _, as in (?P<name>...)"},
    {"(?P<a", 0, "the name of a group is letters, digits and _, as in (?P<name>...)"},
    {"(a)\\1", 3, "\\1: RE2 has no back-references"},
    {"\\k<a>", 0, "\\k: RE2 has no back-references"},
    {"a\\Z", 1, "\\Z: RE2 has no \\Z; write \\z"},
    {"\\G", 0, "\\G: RE2 has no \\G"},
    {"\\C", 0, "\\C: single bytes cannot be matched"},
    {"\\E", 0, "\\E: \\E without \\Q"},
    {"a\\y", 1, "invalid escape sequence \\y"},
    {"\\8", 0, "\\8: RE2 has no back-references"},
    {"\\x{110000}", 0, "\\x{...} is above the last character, 10FFFF"},
    {"\\x{}", 0, "\\x{...} needs hex digits and a closing brace"},
    {"\\xg1", 0, "\\x needs two hex digits, or any number in braces"},
    {"[z-a]", 1, "the range z-a goes backwards"},
    {"[a-\\d]", 3, "invalid escape sequence \\d"},
    {"[\\b]", 1, "invalid escape sequence \\b"},
    {"[[:foo:]]", 1, "there is no character class [:foo:]"},
    {"\\p{Foo}", 0, "there is no character class \\p{Foo}"},
    {"\\p{Greek", 0, "\\p{ without its }"},
    {"(?i)\\p{Lu}", 4, "\\p{Lu} under (?i) is not supported; write \\pL, or (?-i:\\p{Lu})"},
    {"\\p", 0, "\\p needs a name, as in \\pL or \\p{Greek}"},
    {"a\xff", 0, "not UTF-8"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct regex_error error;
        struct regex *regex = NULL;
        if (regex_new(text_of(refused[i].pattern), &regex, &error) != -EINVAL)
            fail_msg("%s was taken", refused[i].pattern);
        assert_null(regex);
        assert_string_equal(error.message, refused[i].message);
        assert_int_equal(error.offset, refused[i].offset);
    }
}

/* What would take PCRE2 for ever takes no time, and has RE2's groups. */
static void test_hostile(void **state)
{
    static const struct {
        const char *pattern, *text, *groups;
    } cases[] = {
        {"(a+)+", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", NULL},
        {"(a+)+c", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
         "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]"},
        {"(a|aa)+[bc]?d?", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaae", NULL},
        {"(?:(a)|(b)|a(c))*\\z(?:a*a*)*\\b", "abacabacabacabacabacabacabacabacabac", "[a][b][c]"},
        {"(?i)(?:(.)+\\d?)+-(\\pL+)(?m:$)", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-\303\244\303\204",
         "[a][\303\244\303\204]"},
        {"(?m)(?:(a+)+$\n^c|a*$\n^(b))", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nb",
         "[][b]"},
        {"(?:[^x]*[^x]*)*", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax", NULL},
        {"(\\w*_)*(\\w*)*", "a_b_c_d_e_f_g_h_i_j_k_l_m_n_o_p_q_r_s_t_u_v_w_x_y_z!", NULL},
        {"(\\w*_)*(\\w*)*", "a_b_c_d_e_f", "[a_b_c_d_e_][f]"},
        {"(?:(a{1,3}){2,}){2}(?:(a)?){3}(b{0})", "aaaaaaaaaa", "[a][][]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct text text = text_of(cases[i].text);
        autoregex struct regex *regex = compile(cases[i].pattern);
        for (int round = 0; round < 100; round++)
            assert_int_equal(regex_match(regex, text), cases[i].groups != NULL);
        if (cases[i].groups)
            assert_groups(regex, text, cases[i].groups);
        assert_false(regex_match(regex, TEXT("x!")));
    }
    assert_int_equal(regex_given_up(), 0);
}

/* Beyond the bound a text does not match, and is counted. */
static void test_too_hard(void **state)
{
    autofree char *text = calloc(1, TOO_LARGE);
    autoregex struct regex *regex = compile("(a|aa|aaa)+");

    (void)state;
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    assert_non_null(text);
    memset(text, 'a', TOO_LARGE);
    text[TOO_LARGE - 1] = 'c';
    assert_false(regex_match(regex, (struct text){text, TOO_LARGE}));
    assert_int_equal(regex_given_up(), 1);
    assert_true(regex_match(regex, TEXT("aaaaaa")));
    assert_int_equal(regex_given_up(), 1);
}

/* Nesting and size: refused with words, or taken and run; nothing overflows. */
static void test_large(void **state)
{
    autobuffer struct buffer pattern;
    struct regex_error error;
    struct regex *regex = NULL;

    (void)state;
    buffer_init(&pattern, 1 << 20);
    for (int i = 0; i < REGEX_MAX_DEPTH; i++)
        buffer_append_char(&pattern, '(');
    for (int i = 0; i < REGEX_MAX_DEPTH; i++)
        buffer_append_string(&pattern, ")*");
    assert_int_equal(regex_new(buffer_text(&pattern), &regex, &error), 0);
    assert_true(regex_match(regex, TEXT("")));
    regex_free(&regex);

    buffer_clear(&pattern);
    for (int i = 0; i <= REGEX_MAX_DEPTH; i++)
        buffer_append_char(&pattern, '(');
    assert_int_equal(regex_new(buffer_text(&pattern), &regex, &error), -EINVAL);
    assert_string_equal(error.message, "more than 500 groups in one another");

    buffer_clear(&pattern);
    while (pattern.length < 3 * REGEX_MAX_PATTERN / 4)
        buffer_append_string(&pattern, "[a-z]{1000}");
    assert_int_equal(regex_new(buffer_text(&pattern), &regex, &error), -EINVAL);
    assert_string_equal(error.message, "too large: more than 100000 instructions when its "
                                       "repetitions are written out");

    while (pattern.length <= REGEX_MAX_PATTERN)
        buffer_append_char(&pattern, 'a');
    assert_int_equal(regex_new(buffer_text(&pattern), &regex, &error), -EINVAL);
    assert_string_equal(error.message, "longer than 65536 bytes");
}

/* A list of names that PCRE2 does not take, as in a keep rule over __name__. */
static void test_long_list(void **state)
{
    enum { NAMES = 1400 };
    autobuffer struct buffer pattern, text;
    struct regex_error error;
    autoregex struct regex *regex = NULL;
    uint64_t before = regex_given_up();

    (void)state;
    buffer_init(&pattern, REGEX_MAX_PATTERN);
    buffer_init(&text, 1000);
    for (int i = 0; i < NAMES; i++)
        buffer_printf(&pattern, "%sapplication_requests_%04d(_sum|_count)?", i ? "|" : "", i);
    assert_int_equal(regex_new(buffer_text(&pattern), &regex, &error), 0);
    for (int i = 0; i <= NAMES; i++) {
        buffer_clear(&text);
        buffer_printf(&text, "application_requests_%04d_sum", i);
        assert_int_equal(regex_match(regex, buffer_text(&text)), i < NAMES);
    }
    assert_true(regex_match(regex, TEXT("application_requests_0000_count")));
    assert_groups(regex, TEXT("application_requests_0000_count"), "[_count]");
    assert_false(regex_match(regex, TEXT("application_requests_0007\xff")));
    assert_false(regex_match(regex, (struct text){NULL, 0}));
    while (text.length < 1000)
        buffer_append_char(&text, 'a');
    assert_false(regex_match(regex, buffer_text(&text)));
    assert_int_equal(regex_given_up(), before);
}

static void test_no_utf8(void **state)
{
    (void)state;
    autoregex struct regex *regex = compile("(.*)");
    uint64_t before = regex_given_up();

    assert_false(regex_match(regex, TEXT("a\xff")));
    assert_true(regex_match(regex, TEXT("a\0b")));
    assert_true(regex_match(regex, (struct text){NULL, 0}));
    assert_int_equal(regex_given_up(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_too_hard),
        cmocka_unit_test(test_large),   cmocka_unit_test(test_long_list),
        cmocka_unit_test(test_no_utf8),
    };
    return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
