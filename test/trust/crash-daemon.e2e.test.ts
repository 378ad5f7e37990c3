import { afterAll, beforeAll, test } from 'vitest'

import { CrashStage } from './crash-stage.ts'
import { isTimeUp } from './form.ts'
import { points } from './steps.ts'

/**
 * `kill -9` of the daemon at every step of every operation. After the next start there is a whole branch or
 * none, nothing is left over, and nothing that was acknowledged is lost.
 */
let stage: CrashStage

beforeAll(async () => {
  stage = await CrashStage.set('the daemon dies at every step')
})

afterAll(async () => {
  await stage?.clear()
})

test.for(points)('the daemon dies at $point', async (point, { skip }) => {
  skip(isTimeUp())
  for (const call of stage.callsFor(point)) {
    await stage.dieAt(point, call)
    await stage.platform.up()
    await stage.expectWhole()
  }
})
