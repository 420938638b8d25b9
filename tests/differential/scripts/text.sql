-- concatenation
select id, t || '!', 'x' || t || v, t || null from types;
-- concatenation with others
select t || id, id || t, 'n=' || n2, 'b=' || b, 'd=' || d, 'f=' || f8 from types where id < 4;
-- concat ignores nulls
select concat(t, null, id), concat(b, '/', d), concat_ws('-', t, null, id, n2), concat(null) from types;
-- substring forms
select substring('Thomas' from 2 for 3), substring('Thomas' from 3), substring('Thomas', 2, 3), substr('alphabet', 3, 2), substring('abc' from 0 for 2), substring('abc' from -1 for 3), substring(t, 2) from types;
-- substring for
select substring('abcdef' for 2);
-- substring by pattern
select substring('Thomas' from '...$'), substring('foobar' from 'o(.)b'), substring(t from '[a-z]+') from types;
-- position and strpos
select position('om' in 'Thomas'), strpos('high', 'ig'), position('z' in t), strpos(t, 'a'), position('' in 'abc') from types;
-- overlay
select overlay('Txxxxas' placing 'hom' from 2 for 4), overlay('abcdef' placing 'ZZ' from 2);
-- trim forms
select trim('  a  '), trim(both 'x' from 'xxaxx'), trim(leading 'x' from 'xxaxx'), trim(trailing 'x' from 'xxaxx'), btrim('xyaxy', 'yx'), ltrim('zzzytest', 'xyz'), rtrim('testxxzx', 'xyz'), trim(v) || '|' from types;
-- split_part
select split_part(v, ',', 1), split_part(v, ',', 2), split_part(v, ',', -1), split_part('a~@~b', '~@~', 2) from types;
-- pads
select lpad('hi', 5), lpad('hi', 5, 'xy'), rpad('hi', 5, 'xy'), lpad('hello', 2), rpad(t, 8, '.') || '|' from types;
-- case conversion
select upper(t), lower(t), initcap('hello wORLD foo-bar'), upper('żółć'), initcap(t) from types;
-- left and right
select left(t, 2), left(t, -2), right(t, 2), right(t, -2), left('abc', 0) from types;
-- length
select length(t), char_length(t), octet_length(t), bit_length('abc'), length('') from types;
-- repeat and reverse
select repeat('ab', 3), repeat('x', 0), repeat('x', -1), reverse('abc'), reverse(t) from types;
-- replace and translate
select replace('abcabc', 'b', 'XX'), replace(t, 'a', ''), translate('12345', '143', 'ax'), translate(t, 'ab', 'xy') from types;
-- ascii and chr
select ascii('x'), chr(65), ascii('é'), chr(233), ascii('');
-- md5 and encodings
select md5('abc'), md5(t) from types where false;
-- md5 of rows
select md5(t) from types;
-- encode bytea
select encode(y, 'hex'), encode(y, 'base64'), length(y), octet_length(y) from types;
-- starts_with
select starts_with(t, 'a'), t ^@ 'B' from types;
-- format
select format('%s is %s', t, id), format('100%%') from types;
-- format with other conversions
select format('%I', t) from types where t is not null;
-- like
select id, t like 'a%', t like '_a%', t not like '%e', t like '%', t like '' from types;
-- like with escapes
select id from types where t like '%\%' or t like 'x\_y';
-- like with another escape
select id from types where t like '%!%' escape '!' or t like 'x!_y' escape '!';
-- ilike
select id, t ilike 'A%', t not ilike '%AN%', 'ŻÓŁĆ' ilike 'żółć' from types;
-- like any
select id from types where t like any (array['a%', 'B%']);
-- similar to with escapes
select 'a5' similar to '%\d', 'ab' similar to 'ab\', 'a%' similar to '%#%' escape '#', t similar to '%#_%' escape '#', 'a\' similar to 'a\' escape '' from types;
-- regexp_like with flags
select regexp_like(t, 'A', 'i'), regexp_like(t, '^A', 'c'), regexp_like(t, 'a', ''), regexp_like(t, 'a .', 'x'), regexp_like(t, NULL, 'i') from types;
-- similar to
select 'abc' similar to 'abc', 'abc' similar to 'a', 'abc' similar to '%(b|d)%', 'abc' similar to '(b|c)%', t similar to '[a-z]+', t not similar to '_{3,5}' from types;
-- regular expressions
select id, t ~ '^a', t ~* '^A', t !~ 'a$', t !~* 'B', t ~ '\d', t ~ '[[:alpha:]]+' from types;
-- word boundaries
select 'a word' ~ '\mword\M', 'swords' ~ '\yword\y', 'ab' ~ 'a.b', E'a\nb' ~ 'a.b';
-- regexp_replace
select regexp_replace('foobarbaz', 'b..', 'X'), regexp_replace('foobarbaz', 'b..', 'X', 'g'), regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g'), regexp_replace('Hello', 'L', 'x', 'i'), regexp_replace('a$b', 'a', '$1'), regexp_replace(t, '[aeiou]', '<\&>', 'g') from types;
-- regexp_match
select regexp_match('foobarbequebaz', 'bar.*que'), regexp_match('foobarbequebaz', '(bar)(beque)'), regexp_match(t, '(a)(.)') from types;
-- regexp_count and substr
select regexp_count('abcabc', 'b.'), regexp_substr('foobar', 'o+b'), regexp_count(t, '[aeiou]') from types;
-- regexp_split_to_array
select regexp_split_to_array('a1b22c', '[0-9]+'), regexp_split_to_array(v, ',') from types;
-- back reference in a pattern
select t ~ '(.)\1' from types;
-- looking ahead
select t ~ 'a(?=p)' from types;
-- alternatives of different length
select substring('foobar' from 'foo|foobar');
-- comparison of text
select id, t < 'b', t > 'B', t = 'apple', t <> 'apple', t between 'A' and 'a' from types;
-- text and null
select id, coalesce(t, 'none'), nullif(t, ''), t is null, t is not distinct from null from types;
-- padded text
select id, code, code = 'ab', code = 'ab   ', code in ('x', 'abc '), length(code), code || '|', code like 'ab' from padded;
-- padded text grouped and joined
select a.code, count(*), min(a.code) from padded a join padded b on a.code = b.code group by a.code;
-- string functions on null
select upper(null), length(null), null || 'a', substring(null from 1), lpad(null, 3);
-- quotes
select 'it''s', E'tab\there', $$dollar's$$, U&'\0041' from types where id = 1;
-- position in unicode
select position('ł' in 'żółć'), length('żółć'), left('żółć', 2), reverse('żółć'), upper('čeština');
-- substring similar
select substring(t similar '%#"a#"%' escape '#'), substring(t, 2, 1), substring(v similar '#"_#"%' escape '#') similar to 'o%' from types;

-- letters that are two in capitals
select upper('straße'), upper(t || ' ß'), lower('İ' || v), upper('ŉǰﬁ'), lower('ẞ ΑΣ'), upper('ẞß'), upper(v) from types

-- text in small letters and capitals
select upper(t), lower(v), upper(null), lower(''), lower(left(t, 1)) || upper(substr(t, 2)), upper(t) = 'APPLE' from types

-- groups of text in capitals
select upper(t), count(*) from types group by upper(t)

-- pattern comparisons
select t ~<~ 'b', t ~<=~ v, t ~>~ 'b', t ~>=~ v from types;

-- pattern comparisons bind as concatenation does
select 'a' || t ~<~ 'b' || v, v ~<~ t = true, t ~<~ 'b' = (v ~>~ 'a') from types;

-- pattern comparisons as conditions
select id from types where t ~>=~ 'a' and (t ~<=~ 'z') or not t ~>~ v collate "C" order by t ~<~ 'b', id;

-- pattern comparisons of char(n)
select code ~<~ 'abc', code ~>=~ 'ab   ' from padded;

-- types of constants of derived tables
select pg_typeof(f1), pg_typeof(f2), pg_typeof('foo'), pg_typeof(null) from (select 'foo' as f1, null as f2 from pairs) s;

-- types of constants of WITH queries and unions
with s as (select 'foo' as f1 from pairs union all select w from pairs) select pg_typeof(f1), f1 || 'x' from s;

-- escapes of another character in Unicode strings
select U&'d!0061t!+000061!!' uescape '!', U&'\D83D\DE00', U&'\\0061' from pairs where k = 2;

-- what is trimmed behind the text
select trim(leading from 'xax', 'x'), trim(both from 'xaxx', 'x'), trim(trailing from 'ax'), trim(both 'x' from 'xax') from pairs;

-- encodings converted
select convert('text_in_utf8', 'UTF8', 'LATIN1'), convert(y, 'UTF8', 'UTF8') from types where id in (1, 5);

-- arguments by name
select make_date(year => 2024, month => k, day => 2), make_date(2024, day => 3, month => k), regexp_match(pattern => 'o(.)', string => w) from pairs where k in (1, 2);
