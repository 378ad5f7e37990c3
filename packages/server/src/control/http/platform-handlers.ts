import type { Context } from '../context.ts'
import { reportPoolContents } from '../pool-contents.ts'
import type { Handlers } from './server.ts'

export function platformHandlers(context: Context) {
  return {
    getPlatformPool: async () => ({ pool: await reportPoolContents(context) }),
  } satisfies Partial<Handlers>
}
