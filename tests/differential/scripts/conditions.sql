-- searched case
select id, case when i4 > 5 then 'big' when i4 < 0 then 'negative' when i4 is null then 'null' end from types;
-- simple case
select id, case i2 when 1 then 'one' when 7 then 'seven' else 'other' end from types;
-- case with numbers
select id, case when b then 1 else 2.5 end, case when b then i2 else i8 end, case when b then n end from types;
-- case with null and constants
select id, case when b then null else 'x' end, case when b then '5' else 3 end from types;
-- nested case
select id, case when i4 > 0 then case when i4 > 5 then 2 else 1 end else 0 end from types;
-- coalesce
select id, coalesce(i4, 0), coalesce(i2, i4, -1), coalesce(n, 0), coalesce(n, 0.5), coalesce(t, v, 'x') from types;
-- nullif
select id, nullif(i4, 5), nullif(i2, 7.0), nullif('a', t), nullif(n, 0) from types;
-- greatest and least with nulls
select id, greatest(i2, i4), least(n, n2), greatest(t, v), least(d, date '2000-01-01') from types;
-- is distinct from
select a.k, b.k, a.k is distinct from b.k, a.k is not distinct from b.k from pairs a, pairs b;
-- three valued logic
select id, b and null, b or null, not b, b is true, b is not true, b is false, b is unknown, b is not unknown from types;
-- comparisons with null
select id, i4 = null, i4 <> null, i4 is null, i4 is not null, null is null from types;
-- between
select id, i4 between 0 and 10, i4 not between 0 and 10, i4 between symmetric 10 and 0, n between 0 and 2.5 from types;
-- boolean constants
select true, false, null::bool, 't' = true, b = 'yes' from types where id < 4;
-- row comparisons
select (1, 2) = (1, 2), (1, 2) < (1, 3), (2, 1) > (1, 9), (1, null) = (1, 2), (1, null) = (2, null), (1, 2) <> (1, null), (1, 2) >= (1, 2);
-- row comparison of columns
select id from types where (i2, i4) < (5, 7);
-- where null is false
select id from types where null;
-- where not null comparison
select id from types where not (i4 > 5);
-- boolean column
select id from types where b and not (i4 = 5);
-- in of mixed numbers
select id from types where n in (1.5, 10, -2.25) or i4 in (7.0);
-- text against unknown constants
select id from types where t >= 'a' and t < 'b';
-- nan comparisons
select k, q = 'NaN'::float8, q > 100 from pairs;
-- constant only
select 1, 'a', null, true, 1.5;
-- constants with where
select 1 where 1 = 1;
-- select without rows
select 1 where false;
-- values
values (1, 'a'), (2, 'b'), (null, 'c');
-- values in from
select v.column1, v.column2 from (values (1, 'x'), (2, 'y')) v;
-- values with types
select a + 1, b || '!' from (values (1, 'x'), (2, null)) as v(a, b);
-- values with dates
select a - interval '1 day', b * 2 from (values (date '2024-01-01', 1.5), (null, 2)) as v(a, b);

-- a pattern of LIKE that ends in a backslash
-- error: 22025
select id, t like 'a\' from types

-- a pattern of ILIKE that ends in a backslash behind a wildcard
-- error: 22025
select id from types where t ilike '%\'

-- a column of patterns that end in a backslash
-- error: 22025
select id, t like left(t, 1) || '\' from types

-- patterns of LIKE that end in a backslash which no text reaches
select id, t like 'zz\', t not ilike 'qq\', t like v || '\\' from types

-- LIKE ANY of patterns that end in a backslash
-- error: 22025
select id from types where t like any (array['a\', 'b'])

-- a pattern that ends in its own escape character
-- error: 22025
select id from types where t like 'a!' escape '!'

-- columns as patterns of LIKE
select id, t like v, v ilike t, t like '%' || v || '%', v not like t || '%' from types
