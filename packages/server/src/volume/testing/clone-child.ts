import { createVolumeDriver, driverKinds } from '../driver-kinds.ts'

/**
 * Clones a volume in a process of its own, to be killed half-way: `clone-child.ts <kind> <root>
 * <source> <clone>`. Prints a line when the files are there and the clone is not finished, and waits.
 */
const [, , kindName, root, source, clone] = process.argv
const kind = driverKinds.find((name) => name === kindName)
if (!kind || !root || !source || !clone) throw new Error('wrong arguments')

await createVolumeDriver(kind, root, undefined).clone(source, clone, {
  begin: async () => undefined,
  end: async () => {
    process.stdout.write('half-way\n')
    // Long enough for any test; the process is to be killed.
    await new Promise((resolve) => setTimeout(resolve, 60_000))
    return {}
  },
  release: async () => undefined,
})
