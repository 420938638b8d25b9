-- char pads
select code, length(code), code || '|', octet_length(code) from padded;

-- char equals without blanks
select id from padded where code = 'ab';

-- char equals with blanks
select id from padded where code = 'ab   ' or code = 'x ';

-- char and text
select id from padded where code::text = 'ab' or code::text = 'ab   ';

-- char in list
select id from padded where code in ('ab', 'x  ');

-- char between
select id from padded where code between 'ab' and 'abc';

-- char groups
select code, count(*) from padded group by code;

-- char distinct
select distinct code from padded;

-- char order
-- ordered
select id, code from padded order by code, id;

-- char join
select a.id, b.id from padded as a join padded as b on a.code = b.code;

-- char joined with text
select id, w from padded join pairs on code = w;

-- char like
select id from padded where code like 'ab%' or code like '%c';

-- char concatenated
select code || code, concat(code, '|'), 'a' || code from padded;

-- char to varchar
select code::varchar, code::varchar(1), code::text || '.' from padded;

-- cast to char n
select t::char(3), 'abcdef'::char(3), 'a'::char(3), 'a'::char(3) = 'a' from types;

-- cast to char
select t::char, 'abc'::char from types where t <> '';

-- cast to varchar n
select t::varchar(3), v::varchar(5), 12345::varchar(3), d::varchar(4) from types;

-- length of cast char
select length('ab'::char(5)), 'ab'::char(5) || 'x', octet_length('ab'::char(5)) from types where id = 1;

-- min max of char
select min(code), max(code) from padded;

-- upper and lower of char
select upper(code), lower(code), substring(code from 1 for 2) from padded;

-- char coalesce
select coalesce(code, 'none'), nullif(code, 'ab') from padded;

-- char case
select case when code = 'ab' then code else 'other' end from padded;

-- char union text
select code from padded union select t from types where id = 1;

-- text order is by code points
-- ordered
select t from types order by t nulls first;

-- text order descending
-- ordered
select id, t from types order by t desc, id;

-- text comparison by code points
select id from types where t < 'a' or t > 'z';

-- text max and min
select min(t), max(t), min(v), max(v) from types;

-- text equality keeps blanks
select id from types where v = 'pad' or v = '  pad  ';

-- varchar and text
select id from types where v = t or v || '' = 'abc';

-- case folding
select upper(t), lower(t), initcap(t) from types;

-- text length in characters
select length(t), char_length(v), octet_length(t), bit_length(t) from types;

-- text concat with everything
select t || id, id || t, t || n, t || b, t || d from types;

-- concat of nulls
select concat(t, null, id), t || null, concat_ws('-', t, null, id) from types;

-- text to numbers
select ('1' || id)::int, (id || '.5')::numeric from types;

-- text to boolean
select ('tr' || 'ue')::bool, (b::text)::bool from types;

-- text to date
select ('2024-01-' || lpad(id::text, 2, '0'))::date from types;

-- text of a bad date
-- error: 22007
select (t || 'x')::date from types where id = 1;

-- text of an impossible date
-- error: 22008
select ('2023-02-' || (id + 28))::date from types where id = 1;

-- text to timestamp
select (d || ' 10:00')::timestamp from types where d > '1900-01-01';

-- text to timestamptz
-- time zone: Europe/Berlin
select (d || ' 10:00')::timestamptz from types where d > '1900-01-01';

-- text to interval
select (id || ' days')::interval from types;

-- text to time
select ('1' || (id % 10) || ':00')::time from types;

-- text to uuid
select (u::text)::uuid, upper(u::text)::uuid from types;

-- text to bytea
select 'abc'::bytea, '\x00ff'::bytea, y::text from types where id < 4;

-- text to float
select (id || '.25')::float8, (id || 'e2')::real from types;

-- text to bad float
-- error: 22P02
select (t || 'e2')::float8 from types where id = 1;

-- text to bad boolean
-- error: 22P02
select t::bool from types where id = 1;

-- text to bad uuid
-- error: 22P02
select t::uuid from types where id = 1;

-- text to bad interval
-- error: 22007
select t::interval from types where id = 1;

-- name and quotes
select 'it''s', $$dollar$$, $x$a'b$x$ from types where id = 1;

-- text with a zero length
select id from types where t = '' or v = '';

-- boolean to text
select b::text, b || '', 'is ' || b from types;

-- boolean comparisons
select id from types where b > false or b is not true;

-- boolean order
-- ordered
select id, b from types order by b, id;

-- boolean aggregates
select bool_and(b), bool_or(b), every(b), count(b), max(b::int) from types;

-- uuid order and groups
-- ordered
select u, count(*) from types group by u order by u;

-- bytea comparisons
select id from types where y > '\x61' and y <= 'z';

-- bytea length and concatenation
select length(y), y || '\x01', octet_length(y) from types;

-- bytea order
-- ordered
select id from types order by y, id;

-- json as text
select j::text, j::text = '[]' from types;

-- json equality
-- error: 42883
select id from types where j = '[]';
-- nullif of padded strings
select nullif(code, 'ab'), nullif(code, 'abc    ') from padded;
-- nullif of bpchar
select id, nullif(coalesce(t::bpchar, 'ab'::bpchar), 'ab  '::bpchar) from types;
-- bpchar among values
select id, t::bpchar in ('apple  '::bpchar, 'x'), 'ab  '::bpchar in ('ab'::bpchar), t::bpchar not in ('apple '::bpchar) from types;
