/** A test process that says which branch it has and dies in the way that it is told, or stays. */
import { createBranch } from '@coppice/testing'

const [way = '', ttlSeconds = '600'] = process.argv.slice(2)
const branch = await createBranch({ ttlSeconds: Number(ttlSeconds) })
process.stdout.write(`${branch.id}\n`, () => {
  if (way === 'throw') throw new Error('the runner is broken')
  if (way !== 'stay') process.kill(process.pid, way)
})
setInterval(() => undefined, 1000)
