import pino from 'pino'

import { ComputeHost } from '../host.ts'
import { findInstallations } from '../installations.ts'
import { materializeInstallation } from '../materialize.ts'
import { findDatabaseUser } from '../os-user.ts'

/**
 * A host in a process of its own, to be killed: `run-host.ts <directory> <run directory> <installations>`.
 * Wakes every compute that it knows, and tells each state change as a line of JSON.
 */
const [directory, runDirectory, installationsDirectory] = process.argv.slice(2)
if (!directory || !runDirectory || !installationsDirectory) throw new Error('three arguments')

const user = await findDatabaseUser()
const installations = await Promise.all(
  (await findInstallations()).map(async (one) =>
    materializeInstallation(one, installationsDirectory, user),
  ),
)
const log = pino({ level: 'silent' })
const host = new ComputeHost({ directory, runDirectory, installations, user, log })
host.onStateChange((change) => process.stdout.write(`${JSON.stringify(change)}\n`))
await host.start()
for (const compute of host.list()) await compute.wake()
process.stdout.write('"all awake"\n')
