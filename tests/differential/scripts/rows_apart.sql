-- select regexp_matches(p_name, ( w+) ) from part order by p_partkey lim
-- ordered
select regexp_matches(p_name,'(\w+)') from part order by p_partkey limit 3
-- select p_partkey, regexp_matches(p_name, ( w+) ) from part order by p_
-- ordered
select p_partkey, regexp_matches(p_name,'(\w+)') from part order by p_partkey limit 3
-- select unnest(string_to_array(p_name, )) from part order by p_partkey
-- ordered
select unnest(string_to_array(p_name,' ')) from part order by p_partkey limit 3
-- select (regexp_matches(p_name, ( w+) )) 1 from part
select (regexp_matches(p_name,'(\w+)'))[1] from part
-- select regexp_matches(p_name, ( w+) ) from part limit 3
select regexp_matches(p_name,'(\w+)') from part limit 3
-- select unnest(array p_size,2 ) w, count(*) from part group by 1 order
-- ordered
select unnest(array[p_size,2]) w, count(*) from part group by 1 order by 2 desc, 1 limit 3
-- select unnest(array p_size,2 ) from part group by 1 order by 1 limit 3
-- ordered
select unnest(array[p_size,2]) from part group by 1 order by 1 limit 3
-- select unnest(array p_size,2 ) from part group by unnest(array p_size,
-- ordered
select unnest(array[p_size,2]) from part group by unnest(array[p_size,2]) order by 1 limit 3
-- select jsonb_object_keys(to_jsonb(r)) k, count(*) from region r group
-- ordered
select jsonb_object_keys(to_jsonb(r)) k, count(*) from region r group by 1 order by 1
-- select jsonb_object_keys(to_jsonb(p)) k, count(*) from part p group by
-- ordered
select jsonb_object_keys(to_jsonb(p)) k, count(*) from part p group by 1 order by 1
-- select jsonb_object_keys(to_jsonb(p)) k, count(*) from part p group by 2
-- ordered
select jsonb_object_keys(to_jsonb(p)) k, count(*) from part p group by k order by 1
-- select upper(unnest(string_to_array(p_name, ))) k, count(*) from part
-- ordered
select upper(unnest(string_to_array(p_name,' '))) k, count(*) from part p group by 1 order by 2 desc, 1 limit 3
-- select p_partkey, unnest(string_to_array(p_name, )) from part order by
-- ordered
select p_partkey, unnest(string_to_array(p_name,' ')) from part order by p_partkey
-- select l_orderkey, l_linenumber, generate_series(1,l_linenumber) from
-- ordered
select l_orderkey, l_linenumber, generate_series(1,l_linenumber) from lineitem order by l_orderkey, l_linenumber
-- select l_returnflag, l_orderkey, l_linenumber, unnest(array 3,2,1,7,5
-- ordered
select l_returnflag, l_orderkey, l_linenumber, unnest(array[3,2,1,7,5]) from lineitem order by l_orderkey, l_linenumber
-- select p_size in (select unnest(array 1,2 )) g, count(*) from part gro
-- ordered
select p_size in (select unnest(array[1,2])) g, count(*) from part group by 1 order by 1
-- select p_size = any(array(select unnest(array 1,2 ))) g, count(*) from
-- ordered
select p_size = any(array(select unnest(array[1,2]))) g, count(*) from part group by 1 order by 1
-- select (select max(u) from unnest(array p_size,2 ) u) g, count(*) from
-- ordered
select (select max(u) from unnest(array[p_size,2]) u) g, count(*) from part group by 1 order by 1 limit 3
-- select unnest(string_to_array(p_name, )) from part order by p_partkey 2
-- ordered
select unnest(string_to_array(p_name,' ')) from part order by p_partkey limit 13 offset 2
-- select unnest(string_to_array(p_name, )) from part order by p_size des
-- ordered
select unnest(string_to_array(p_name,' ')) from part order by p_size desc, p_partkey limit 13
-- select unnest(string_to_array(p_name, )) w from part order by p_partke
-- ordered
select unnest(string_to_array(p_name,' ')) w from part order by p_partkey, w limit 13
-- select unnest(string_to_array(p_name, )) w from part order by p_partke 2
-- ordered
select unnest(string_to_array(p_name,' ')) w from part order by p_partkey, 1 limit 13
-- select unnest(array_agg(p_name order by p_partkey)) from part group by
-- ordered
select unnest(array_agg(p_name order by p_partkey)) from part group by p_size order by p_size desc limit 4
-- select generate_series(1,l_linenumber) from lineitem order by l_orderk
-- ordered
select generate_series(1,l_linenumber) from lineitem order by l_orderkey desc, l_linenumber, 1 limit 5
-- select * from (select unnest(string_to_array(p_name, )) w from part or
select * from (select unnest(string_to_array(p_name,' ')) w from part order by p_partkey limit 3) s
-- select count(*) from (select unnest(string_to_array(p_name, )) w from
select count(*) from (select unnest(string_to_array(p_name,' ')) w from part order by p_partkey limit 3) s
-- select p_partkey, unnest(string_to_array(p_name, )) from part order by 2
-- ordered
select p_partkey, unnest(string_to_array(p_name,' ')) from part order by upper(p_name), p_partkey limit 5
-- select unnest(array 1,2 ) from part order by (select count(*) from reg
-- ordered
select unnest(array[1,2]) from part order by (select count(*) from region), p_partkey limit 3
-- select unnest(array p_partkey ) from part union all select 1 order by
-- ordered
select unnest(array[p_partkey]) from part union all select 1 order by 1 limit 3
-- select upper(unnest(string_to_array(p_name, ))) k from part where p_pa
-- ordered
select upper(unnest(string_to_array(p_name,' '))) k from part where p_partkey < 9 order by p_size, k limit 4
-- select json_array_elements_text(to_json(array p_size,p_partkey )) from
-- ordered
select json_array_elements_text(to_json(array[p_size,p_partkey])) from part where p_partkey<4 order by p_partkey desc
-- select distinct unnest(array p_size,1 ) from part order by 1 limit 3
-- ordered
select distinct unnest(array[p_size,1]) from part order by 1 limit 3
-- select unnest(array p_size,1 ) u, row_number() over (order by p_partke
-- ordered
select unnest(array[p_size,1]) u, row_number() over (order by p_partkey) from part order by p_partkey limit 3
-- select p_partkey, unnest(string_to_array(p_name, )) from part order by 3
-- ordered
select p_partkey, unnest(string_to_array(p_name,' ')) from part order by p_partkey limit 13
-- select p_partkey k, unnest(string_to_array(p_name, )) u, unnest(array
-- ordered
select p_partkey k, unnest(string_to_array(p_name,' ')) u, unnest(array[1,2]) from part order by k limit 13
-- select unnest(array 3,1,2 ), generate_series(5,4,-1) from part order b
-- ordered
select unnest(array[3,1,2]), generate_series(5,4,-1) from part order by p_partkey limit 6
-- select generate_series(3,1,-1) from part order by p_partkey limit 6
-- ordered
select generate_series(3,1,-1) from part order by p_partkey limit 6
-- select generate_series(o_orderdate, o_orderdate + 2, interval 1 day )
-- ordered
select generate_series(o_orderdate, o_orderdate + 2, interval '1 day') from orders order by o_orderkey limit 6
-- select unnest(array p_size,1 ) w, count(*) from part group by 1 order
-- ordered
select unnest(array[p_size,1]) w, count(*) from part group by 1 order by 2 desc,1 limit 3
-- select unnest(array p_size,1 ) w from part group by 1 order by count(*
-- ordered
select unnest(array[p_size,1]) w from part group by 1 order by count(*) desc,1 limit 3
-- select p_size, unnest(array_agg(p_partkey)) u from part group by p_siz
-- ordered
select p_size, unnest(array_agg(p_partkey)) u from part group by p_size order by p_size, u
-- select p_size, unnest(array_agg(p_partkey)) u from part group by p_siz 2
-- ordered
select p_size, unnest(array_agg(p_partkey)) u from part group by p_size order by p_size, u desc limit 10
-- select * from (select p_size, unnest(array_agg(p_partkey)) u from part
-- ordered
select * from (select p_size, unnest(array_agg(p_partkey)) u from part group by p_size) s order by p_size, u desc limit 10
-- select p_size, u from (select p_size, array_agg(p_partkey) a from part
-- ordered
select p_size, u from (select p_size, array_agg(p_partkey) a from part group by p_size) s, unnest(a) u order by p_size, u desc limit 10
-- select p_size, u, count(*) from (select p_size, array_agg(p_partkey) a
-- ordered
select p_size, u, count(*) from (select p_size, array_agg(p_partkey) a from part group by p_size) s, unnest(a) u group by p_size, u order by p_size, u desc limit 10
-- select distinct on (p_size) p_size, u from (select p_size, array_agg(p
-- ordered
select distinct on (p_size) p_size, u from (select p_size, array_agg(p_partkey) a from part group by p_size) s, unnest(a) u order by p_size, u desc limit 10
-- select p_size, generate_series(1,p_size) g from part group by p_size o
-- ordered
select p_size, generate_series(1,p_size) g from part group by p_size order by p_size desc, g desc limit 10
-- select p_size, g from (select distinct p_size from part) s, generate_s
-- ordered
select p_size, g from (select distinct p_size from part) s, generate_series(1,p_size) g order by p_size desc, g desc limit 10
-- select p_size, g, row_number() over (order by p_size, g) from (select
-- ordered
select p_size, g, row_number() over (order by p_size, g) from (select p_size from part group by 1) s, generate_series(1,p_size) g order by p_size desc, g desc limit 10
-- select p_size, g from (select p_size from part group by 1) s, generate
-- ordered
select p_size, g from (select p_size from part group by 1) s, generate_series(1,p_size) g group by p_size, g order by p_size desc, g desc limit 10
-- select p_size + 1 as p_size, unnest(array 1,2 ) u from part where p_pa
select p_size + 1 as p_size, unnest(array[1,2]) u from part where p_partkey<4
-- select upper(p_name) as p_name, u from part, unnest(array p_size,1 ) u
select upper(p_name) as p_name, u from part, unnest(array[p_size,1]) u where p_partkey<4
-- select upper(p_name) as p_name, unnest(array p_size,1 ) u from part wh
select upper(p_name) as p_name, unnest(array[p_size,1]) u from part where p_partkey<4
-- select p_size as p_partkey, p_partkey as p_size, unnest(array p_size,1
select p_size as p_partkey, p_partkey as p_size, unnest(array[p_size,1]) u from part where p_partkey<4
-- select distinct p_size from (select p_size, unnest(array_agg(p_partkey
select distinct p_size from (select p_size, unnest(array_agg(p_partkey)) u from part group by p_size) s
-- select p_size, count(*) from (select p_size, unnest(array_agg(p_partke
-- ordered
select p_size, count(*) from (select p_size, unnest(array_agg(p_partkey)) u from part group by p_size) s group by 1 order by 1 limit 5
-- select p_size, u, count(*) from (select p_size, unnest(array_agg(p_bra
-- ordered
select p_size, u, count(*) from (select p_size, unnest(array_agg(p_brand)) u from part group by p_size) s group by 1,2 order by 1,2 limit 5
-- select p_size, u, count(*) from s, unnest(a) u group by 1,2 order by 1
-- ordered
with s as (select p_size, array_agg(p_brand) a from part group by 1) select p_size, u, count(*) from s, unnest(a) u group by 1,2 order by 1,2 limit 5
-- select distinct p_size from s, unnest(a) u
with s as (select p_size, array_agg(p_brand) a from part group by 1) select distinct p_size from s, unnest(a) u
-- select count(distinct p_size), count(*) from s, unnest(a) u
with s as (select p_size, array_agg(p_brand) a from part group by 1) select count(distinct p_size), count(*) from s, unnest(a) u
-- select x.u, count(*) from x join (select distinct p_size from part) d
-- ordered
with s as (select p_size, array_agg(p_brand) a from part group by 1), x as (select p_size, u from s, unnest(a) u) select x.u, count(*) from x join (select distinct p_size from part) d using (p_size) group by 1 order by 1 limit 4
-- select p_size, g, count(*) from s, generate_series(1,p_size) g group b
-- ordered
with s as (select distinct p_size from part) select p_size, g, count(*) from s, generate_series(1,p_size) g group by 1,2 order by 1 desc,2 desc limit 5
-- select p_size, g, count(*) from s left join lateral generate_series(1,
-- ordered
with s as (select distinct p_size from part) select p_size, g, count(*) from s left join lateral generate_series(1,p_size-49) g on true group by 1,2 order by 1 desc,2 desc limit 5
-- select p_size, g from s left join lateral (select generate_series(1,p_
-- ordered
with s as (select distinct p_size from part) select p_size, g from s left join lateral (select generate_series(1,p_size) g) x on true order by 1 desc,2 desc limit 5
-- select p_size, g from s cross join lateral (select generate_series(1,p
-- ordered
with s as (select distinct p_size from part) select p_size, g from s cross join lateral (select generate_series(1,p_size) g) x order by 1 desc,2 desc limit 5
-- select p_size, g from s cross join lateral (select g from generate_ser
-- ordered
with s as (select distinct p_size from part) select p_size, g from s cross join lateral (select g from generate_series(1,p_size) g where g > 2) x order by 1 desc,2 desc limit 5
-- select p_size, u, row_number() over (partition by p_size order by u de
-- ordered
select p_size, u, row_number() over (partition by p_size order by u desc) from (select p_size, array_agg(p_partkey) a from part group by p_size) s, unnest(a) u order by 1,3 limit 5
-- select p_size, (select max(u) from unnest(a) u) from (select p_size, a
-- ordered
select p_size, (select max(u) from unnest(a) u) from (select p_size, array_agg(p_partkey) a from part group by p_size) s order by 1 limit 5
-- select p_size, (select string_agg(u text, , order by u desc) from unne
-- ordered
select p_size, (select string_agg(u::text, ',' order by u desc) from unnest(a) u where u < 300) from (select p_size, array_agg(p_partkey) a from part group by p_size) s order by 1 limit 5
-- select p_size, u from (select p_size, array_agg(p_partkey) a from part 2
-- ordered
select p_size, u from (select p_size, array_agg(p_partkey) a from part group by p_size) s, unnest(a) u where p_size in (select distinct p_size from part where p_partkey<5) order by p_size, u desc limit 4
-- select p_size, max(u) over (partition by p_size, u % 2) from (select p
-- ordered
select p_size, max(u) over (partition by p_size, u % 2) from (select p_size, array_agg(p_partkey) a from part group by p_size) s, unnest(a) u order by 1,2 limit 4
-- select p_brand, p_size, u from (select p_brand, p_size, array_agg(p_pa
-- ordered
select p_brand, p_size, u from (select p_brand, p_size, array_agg(p_partkey) a from part group by 1,2) s, unnest(a) u order by 1,2,3 desc limit 6
-- select u, count(*) from (select array_agg(p_size) a from part) s, unne
-- ordered
select u, count(*) from (select array_agg(p_size) a from part) s, unnest(a) u group by 1 order by 2 desc,1 limit 3
-- select k, v from (select p_size, jsonb_build_object( n ,count(*)) j fr
-- ordered
select k, v from (select p_size, jsonb_build_object('n',count(*)) j from part group by 1) s, jsonb_each_text(j) e(k,v) order by 2 desc,1 limit 3
-- select p_size, k from (select p_size, jsonb_build_object( n ,count(*),
-- ordered
select p_size, k from (select p_size, jsonb_build_object('n',count(*),'m',max(p_partkey)) j from part group by 1) s, jsonb_object_keys(j) k order by 1,2 desc limit 3
-- select a, u from (select distinct array p_size,p_size+1 a from part) s
-- ordered
select a, u from (select distinct array[p_size,p_size+1] a from part) s, unnest(a) u order by a, u desc limit 4
-- select x.p_size, u from (select p_size from part union select 7) x, un
-- ordered
select x.p_size, u from (select p_size from part union select 7) x, unnest(array[1,3,2]) u order by 1,2 desc limit 4
-- another table of the same alias within
-- ordered
with s as (select p_size k, array_agg(p_partkey) a from part where p_size < 4 group by 1) select s.k, u from s, unnest(s.a) u where exists (select 1 from region s where s.r_regionkey = u) order by 1, 2 desc
-- another table of the same alias within, not tied
-- ordered
with s as (select p_size k, array_agg(p_partkey) a from part where p_size < 4 group by 1) select s.k, unnest(s.a) u, (select max(s.r_name) from region s) m from s order by 1, 2 desc limit 5
-- a star of what has keys
-- ordered
select * from (select p_size k, array_agg(p_partkey order by p_partkey) a from part where p_size < 4 group by 1) s, unnest(a) u order by k, u desc limit 5
-- places beside windows
-- ordered
select unnest(array[p_size, 2]) u, rank() over (order by p_size desc) from part where p_partkey < 5 order by p_partkey
-- named like an input, behind a condition
select p_size + 1 as p_size, unnest(array[1, 2]) u from part where p_size < 3 and p_partkey < 100
