import { probePool } from '../probe.ts'

/** Prints what a directory offers to the user that runs this: `probe-child.ts <root>`. */
const [, , root] = process.argv
if (!root) throw new Error('wrong arguments')
process.stdout.write(JSON.stringify(await probePool(root, undefined)))
