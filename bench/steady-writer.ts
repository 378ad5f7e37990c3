import { randomBytes } from 'node:crypto'

import pg from 'pg'

/** Writes WAL at a steady rate, on a compute's own socket: updates of random rows of a 200 MB table. */
export interface SteadyWriter {
  stop(): Promise<{ bytes: number; seconds: number }>
}

const rows = 150_000
const clients = 4

export async function startSteadyWriter(
  socket: string,
  bytesPerSecond: number,
): Promise<SteadyWriter> {
  const connections = await Promise.all(
    Array.from({ length: clients }, async () => connect(socket)),
  )
  const [first] = connections
  if (first === undefined) throw new Error('there are clients')
  await first.query('create table blocks (id int primary key, payload bytea)')
  await first.query(
    `insert into blocks select n, decode(repeat(md5(n::text), 36), 'hex') from generate_series(1, ${rows}) n`,
  )
  await first.query('alter table blocks alter payload set storage plain')
  await first.query('vacuum analyze blocks')
  await first.query('checkpoint')
  const begin = await position(first)
  const beganMs = performance.now()
  let isStopped = false
  let written = 0
  const watch = setInterval(() => {
    void position(first).then((at) => (written = at - begin))
  }, 50)
  const writing = connections.slice(1).map(async (connection) => {
    while (!isStopped) {
      const allowed = ((performance.now() - beganMs) / 1000) * bytesPerSecond
      if (written > allowed) {
        await new Promise((resolve) => {
          setTimeout(resolve, 5)
        })
        continue
      }
      const id = 1 + Math.floor(Math.random() * rows)
      await connection.query('update blocks set payload = $2 where id = $1', [
        id,
        randomBytes(1_100),
      ])
    }
  })
  return {
    stop: async () => {
      isStopped = true
      await Promise.all(writing)
      clearInterval(watch)
      const bytes = (await position(first)) - begin
      const seconds = (performance.now() - beganMs) / 1000
      for (const connection of connections) await connection.end()
      return { bytes, seconds }
    },
  }
}

async function connect(socket: string): Promise<pg.Client> {
  const client = new pg.Client({ host: socket, user: 'cloud_admin', database: 'neondb' })
  await client.connect()
  return client
}

async function position(client: pg.Client): Promise<number> {
  const { rows: found } = await client.query<{ at: string }>(
    `select (pg_current_wal_insert_lsn() - '0/0')::text as at`,
  )
  return Number(found[0]?.at)
}
