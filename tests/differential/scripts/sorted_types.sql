-- jsonb of any kind
-- ordered
select id, j::jsonb from types where id < 12 and id <> 4 order by j::jsonb;
-- jsonb groups
-- ordered
select j::jsonb as x, count(*) from types group by x order by x;
-- jsonb distinct
-- ordered
select distinct jsonb_build_object('k', k) as o from pairs order by o;
-- inet descending
-- ordered
select '10.0.0.1'::inet + k * 3 as ip from pairs order by ip desc;
-- inet least and greatest
select min('10.0.0.1'::inet + k*3), max('10.0.0.1'::inet + k*3), max('10.0.0.1'::inet + k) filter (where k < 0) from pairs;
-- inet distinct
-- ordered
select distinct '10.0.0.1'::inet + (k * 7) as ip from pairs order by 1;
-- money least and greatest
select max((k*3)::numeric::money), min(k::numeric::money) from pairs;
-- money descending
-- ordered
select k::numeric::money * 5 as m from pairs order by 1 desc nulls last;
-- money distinct
select distinct k::numeric::money from pairs;
-- money groups
select k::numeric::money, count(*) from pairs group by 1;
-- timetz least and greatest
select max(tz::timetz), min(tm::timetz) from types;
-- arrays of distinct inet, jsonb and money
select array_agg(distinct '10.0.0.1'::inet + k * 7), array_agg(distinct jsonb_build_array(k)), array_agg(distinct k::numeric::money * 5) filter (where k > 2) from pairs;
-- inet in array_agg
select k, array_agg('10.0.0.1'::inet + k * 7 order by '10.0.0.1'::inet + k * 7 desc) from pairs group by k;
-- jsonb corner by corner
-- ordered
select v, row_number() over (order by v) from (values ('1'::jsonb), ('-1'), ('0'), ('-1.5'), ('10'), ('9'), ('1e3'), ('0.05'), ('0.5'), ('-0.05'), ('123.456'), ('"a"'), ('"b"'), ('""'), ('"ab"'), ('null'), ('true'), ('false'), ('[]'), ('{}'), ('[1]'), ('[1,2]'), ('[[]]'), ('["z"]'), ('{"a":1}'), ('{"b":0}'), ('{"aa":1}'), ('{"a":1,"b":2}'), ('{"a":[]}'), ('-10'), ('-9')) x(v), region where r_regionkey = 0 order by v;
-- numrange corner by corner
-- ordered
select r from (values (numrange(1,5)), (numrange(1,5,'[]')), (numrange(1,5,'()')), (numrange(null,5)), (numrange(-1.5,null)), ('empty'), (numrange(10,20)), (numrange(9.5,20))) x(r), region where r_regionkey = 0 order by r;
-- daterange descending
-- ordered
select r from (values (daterange('2024-01-01','2024-02-01')), (daterange('1990-01-01', null)), (daterange(null, '1999-01-01'))) x(r), region where r_regionkey = 0 order by r desc;
-- inet corner by corner
-- ordered
select i from (values ('10.0.0.1'::inet), ('10.0.0.0/8'), ('10.1.2.3/8'), ('10.0.0.0/16'), ('::1'), ('9.255.0.0'), ('192.168.1.0/24'), ('10.0.0.10'), ('10.0.0.9')) x(i), region where r_regionkey = 0 order by i;
-- jsonb array as one key of two
-- ordered
select k, w from pairs order by jsonb_build_array(k, w) desc, w;
-- inet in distinct on
-- ordered
select distinct on (ip) '10.0.0.1'::inet + (k % 3) as ip, k, w from pairs order by ip, k, w;
-- inet behind union
-- ordered
select '10.0.0.1'::inet + k as ip from pairs union select '10.0.0.9'::inet order by ip;
-- inet in a window
-- ordered
select rank() over (partition by k % 2 order by '10.0.0.1'::inet + k), k from pairs where k is not null order by 2, 1;
-- inet of a derived table
-- ordered
select ip, n from (select '10.0.0.1'::inet + k as ip, count(*) as n from pairs group by 1) x order by ip limit 3;
-- money joined and inet compared
select a.k from pairs a join pairs b on a.k::numeric::money = b.k::numeric::money where '10.0.0.1'::inet + a.k < '10.0.0.5'::inet;
-- inet greatest in a window
select max('10.0.0.1'::inet + k) over () from pairs;
-- int4range corner by corner
-- ordered
select r from (values (int4range(1,5)), (int4range(null,5)), (int4range(1,null)), (int4range(2,2)), (int4range(-5, 2)), (int4range(1,4)), (int4range(null, null)), (null)) x(r), region where r_regionkey = 0 order by r;
-- money summed
select sum(k::numeric::money), sum(k::numeric::money) filter (where k > 2) from pairs;
-- money summed in windows
select k, sum(k::numeric::money) over (partition by k) from pairs;
-- least and greatest cidr
select min(network('10.0.0.1/24'::inet + k * 256)), max(set_masklen('10.0.0.0/24'::cidr, 32)) from pairs;
