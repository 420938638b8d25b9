-- groups
select f8, count(*), min(id) from signs group by f8;
-- least and greatest
select min(f8), max(f8), min(f4), max(f4) from signs;
-- least and greatest of groups
select g, min(f8), max(f8) from signs group by g;
-- order
-- ordered
select id from signs order by f8, id;
-- descending order
-- ordered
select id, f4 from signs order by f4 desc, id limit 4;
-- distinct
select distinct f4 from signs;
-- join
select a.id, b.id from signs a join signs b on a.f8 = b.f8;
-- join using
select f4, a.id, b.id from signs a join signs b using (f4);
-- join of two types
select a.id, b.id from signs a join signs b on a.f8 = b.f4;
-- comparisons put out
select id, f8 > 1, f8 = 'NaN', f8 < -1, f8 between 0 and 'NaN', f8 is distinct from 'NaN' from signs;
-- greater
select id from signs where f8 > 1;
-- less
select id from signs where f8 < 1 and f4 < 7;
-- at most
select id from signs where f8 <= 1 or f4 <= -5;
-- not greater
select id from signs where not f8 > 1;
-- not at most
select id from signs where not (f8 <= 1 or f4 < -5);
-- the other way round
select id from signs where 1 > f8 or 8 <= f4;
-- between
select id from signs where f8 between -1 and 2 or f4 not between -1 and 2;
-- equal to NaN
select id from signs where f8 = 'NaN' and f4 <> 1;
-- at most NaN
select id from signs where f8 <= 'NaN' and not f4 < 'NaN';
-- of a list
select id from signs where f8 in ('NaN', 1);
-- of a query
select id from signs where f8 in (select f8 from signs where id = 1);
-- not of a query
select id from signs where f8 not in (select f4 from signs where id = 1);
-- union
select f8 from signs where id < 3 union select f4 from signs;
-- except
select f8 from signs except select f4 from signs where id = 1;
-- choices
select id, case f8 when 'NaN' then 1 else 2 end, nullif(f8, 'NaN'), f8 = any (array['NaN'::float8]), greatest(f8, 1), least(f8, 2) from signs;
-- windows
select id, rank() over (order by f8), count(*) over (partition by f4), lag(f8) over (order by f8, id) from signs;
-- ordered aggregates
select count(distinct f8), string_agg(f8::text, ',' order by f8, id), percentile_disc(0.9) within group (order by f8) from signs;
-- sums
select sum(f8), avg(f4), count(f8) from signs where id < 3;
-- distinct on
-- ordered
select distinct on (f8) f8, id from signs order by f8, id;
-- correlated
select id from signs a where exists (select 1 from signs b where b.f8 = a.f8 and b.id <> a.id);
-- with
with x as (select f8, f4 from signs) select a.f8 from x a join x b on a.f8 = b.f4 where a.f8 > 100;
-- computed with
select id from signs where f8 + 1 > 5 and abs(f4) > 5;
-- put out
select f8, f4 from signs where id > 0;
