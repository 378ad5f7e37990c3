import { once } from 'node:events'

import { homePaths } from '../../lib/home.ts'
import { claimHome } from '../local-socket.ts'

/**
 * Claims a home in a process of its own, to be killed: `claim-child.ts <home>`. Prints a line when it is
 * there, begins when it is sent one, and prints whether the home is its.
 */
const [, , root] = process.argv
if (root === undefined) throw new Error('wrong arguments')

process.stdout.write('there\n')
await once(process.stdin, 'data')
try {
  await claimHome(homePaths(root), async () => true)
  process.stdout.write('claimed\n')
} catch (error) {
  process.stdout.write(`${String(error)}\n`)
  process.exit(0)
}
