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
