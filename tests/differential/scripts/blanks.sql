-- what patterns see of blanks
select id, code like 'ab', code like 'ab   ', code like 'ab%', code ~ 'ab$', code ~ '^ab   $', code similar to 'ab', code not like 'x    ', code ilike 'AB   ' from padded

-- aggregates and windows keep blanks
select max(code), min(code), any_value('ab'::char(4)), octet_length(max(code)), '[' || max(code) || ']', max(code) = 'x' from padded

-- windows keep blanks
select id, max(code) over (order by id), first_value(code) over (order by id), lag(code) over (order by id), upper(max(code) over ()) from padded

-- ordered sets keep blanks
select mode() within group (order by code), percentile_disc(0.5) within group (order by code) from padded

-- arrays of char(n)
select array_agg(code order by id), array_agg(code) filter (where id = 1), (array_agg(code order by id))[2], string_agg(code, ',' order by id) from padded

-- CASE and COALESCE with constants of other lengths
select id, case when id < 3 then code else 'zz' end, coalesce(code, 'none at all'), case when id = 1 then 'a long constant' else code end, greatest(code, 'b') from padded

-- CASE and COALESCE as text
select id, '[' || coalesce(code, 'zz  ') || ']', upper(case when id < 3 then code else 'zz' end), length(coalesce(code, 'zz ')), octet_length(coalesce(code, 'zz ')) from padded

-- CASE of char(n) and text
select id, case when id < 3 then code else 'text ' || id end, case when id < 3 then 'text ' || id else code end from padded

-- CASE of one length
select id, case when id < 3 then code end, nullif(code, 'x'), coalesce(code, code) from padded

-- groups of COALESCE
select coalesce(code, 'zz'), count(*) from padded group by 1

-- columns of derived tables
select s.c, octet_length(s.c), s.d from (select max(code) as c, coalesce(min(code), 'x') as d from padded) s

-- char(n) and texts with blanks in set operations are one row
select count(*) from (select code from padded union select t || '  ' from (values ('ab'), ('x'), ('new')) v(t)) s;
-- char(n) and texts with blanks that both have
select count(*) from (select code from padded intersect select t || '  ' from (values ('ab'), ('x'), ('new')) v(t)) s;
-- char(n) without texts with blanks
select code from padded except select t || '  ' from (values ('ab'), ('x'), ('new')) v(t);
-- char(n) and texts in groups of a derived table
select count(*), count(distinct x), max(n) from (select x, count(*) as n from (select code as x from padded union all select t || ' ' from types) s group by x) g;
-- char(n) and texts keep their blanks
select code from padded union all select t from types;
-- texts first, then char(n)
select t || ' ' from types union select code from padded;
-- varchar with blanks among char(n)
select id, v from (select id, (t || '  ')::varchar(20) as v from types) s where v in (select code from padded);
-- varchar with blanks that is one of char(n)
select id, v from (values (1, 'ab  '::varchar(9)), (2, 'x'::varchar(9)), (3, 'new '::varchar(9))) s(id, v) where v in (select code from padded) and v = any (select code from padded);
-- varchar with blanks that is none of char(n)
select id, v from (values (1, 'ab  '::varchar(9)), (2, 'x'::varchar(9)), (3, 'new '::varchar(9))) s(id, v) where v not in (select code from padded where code is not null);
-- varchar with blanks that differs from all of char(n)
select id, v from (values (1, 'ab  '::varchar(9)), (2, 'x'::varchar(9)), (3, 'new '::varchar(9))) s(id, v) where v <> all (select code from padded where code is not null);
-- char(n) among varchar with blanks
select id from padded where code in (select v from (select 'ab  '::varchar(9) as v union all select 'x'::varchar(9)) s);
-- char(n) among texts with blanks
select id from padded where code in (select v from (values ('ab  '), ('x')) s(v));
-- texts with blanks among char(n)
select v from (values ('ab  '), ('x')) s(v) where v in (select code from padded);
-- varchar that is computed, joined with char(n)
select a.id, b.id from types a join padded b on (case a.id when 1 then 'ab' else 'x' end || '  ')::varchar(7) = b.code where a.id < 3;
-- regexp_like takes char(n) as text
select id, regexp_like(code, '^ab$'), regexp_like(code, ' '), regexp_like(code, 'AB$', 'i'), code ~ '^ab$' from padded;
-- missing or not, of CASE and constants
select nullif(case when b then 'ab  '::bpchar else v::bpchar end, v::bpchar) from types order by id;
-- missing or not, as texts
select length(nullif(case when b then 'ab  '::bpchar else v::bpchar end, 'x')), nullif(case when b then 'ab  '::bpchar else v::bpchar end, 'x') || '!' from types order by id;
