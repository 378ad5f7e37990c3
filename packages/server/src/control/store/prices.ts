import type { Prices } from '@coppice/api'

import type { Queryable } from './store.ts'

/** Undefined where the default holds. */
export async function findPrices(sql: Queryable): Promise<Partial<Prices> | undefined> {
  const [row] = await sql<{ prices: Partial<Prices> | null }[]>`select prices from platform limit 1`
  return row?.prices ?? undefined
}

export async function setPrices(sql: Queryable, prices: Prices): Promise<void> {
  await sql`update platform set prices = ${sql.json(prices)}`
}
