// node-postgres with cursors and query streams: prints what each use gave, as JSON.
const { Client, Pool, types } = require("pg");
const Cursor = require("pg-cursor");
const QueryStream = require("pg-query-stream");

const options = JSON.parse(process.argv[2]);

async function main() {
  const told = {};
  const client = new Client(options);
  await client.connect();
  told.simple = (await client.query("select count(*)::int as n from shop.orders; select 2 as m")).map((one) => one.rows);
  const kinds = await client.query("select * from shop.types order by id");
  told.types = kinds.fields.map((field) => [field.name, field.dataTypeID, field.dataTypeModifier]);
  told.rows = kinds.rows;
  told.parameters = (
    await client.query("select o_orderkey from shop.orders where o_custkey = $1 and o_orderdate > $2 order by 1", [8, "1992-06-01"])
  ).rows;
  told.named = [];
  for (const key of [1, 2, 3]) {
    const found = await client.query({ name: "by key", text: "select c_name from shop.customer where c_custkey = $1", values: [key] });
    told.named.push(found.rows[0].c_name);
  }
  told.array = (await client.query({ text: "select 1, 'a'", rowMode: "array" })).rows;
  told.binary = (await client.query({ text: "select o_orderkey::int4 as k from shop.orders where o_orderkey = 7", binary: true, values: [] })).rows;
  try {
    await client.query("select nothing from shop.orders");
  } catch (error) {
    told.error = [error.code, error.position];
  }
  const cursor = client.query(new Cursor("select l_orderkey from shop.lineitem order by 1, l_linenumber"));
  told.cursor = [];
  for (let rows = await cursor.read(2000); rows.length; rows = await cursor.read(2000)) told.cursor.push(rows.length);
  await cursor.close();
  const early = client.query(new Cursor("select l_orderkey from shop.lineitem"));
  told.early = (await early.read(5)).length;
  await early.close();
  told.stream = 0;
  for await (const _ of client.query(new QueryStream("select * from shop.lineitem", [], { batchSize: 700 }))) told.stream += 1;
  await client.query("begin");
  await client.query("select 1 / 0").catch((error) => (told.failed = error.code));
  told.aborted = (await client.query("select 1").catch((error) => error)).code;
  await client.query("rollback");
  await client.end();

  const pool = new Pool({ ...options, max: 3 });
  const counts = await Promise.all([...Array(10).keys()].map((n) => pool.query("select count(*)::int as n from shop.orders where o_orderkey <= $1", [n])));
  told.pool = counts.map((one) => one.rows[0].n);
  await pool.end();
  console.log(JSON.stringify(told));
}

types.setTypeParser(1082, (text) => text);
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
