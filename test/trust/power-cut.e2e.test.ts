import { afterAll, beforeAll, describe, test } from 'vitest'

import { expectInBooks } from './bank.ts'
import { CrashStage } from './crash-stage.ts'
import { isLong, isTimeUp, seed } from './form.ts'
import { Machine } from './power-cut.ts'
import { randomNumbers } from './random-numbers.ts'
import { rest } from './rest.ts'
import { points } from './steps.ts'

/**
 * The machine loses power while an operation stands still at one of its steps and clients write. What the
 * platform finds on its disk then is what had been flushed, and of the rest some: nothing that was
 * acknowledged before is lost, and its history reaches up to then.
 */
const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('a machine without power', () => {
  let machine: Machine
  let stage: CrashStage

  beforeAll(async () => {
    stage = await CrashStage.set('the machine loses power at every step', async (options) => {
      machine = await Machine.start(options?.env)
      return machine.platform
    })
  })

  afterAll(async () => {
    await stage?.clear()
    await machine?.discard()
  })

  const shuffled = randomNumbers(seed).shuffle(points)

  test.for(isLong ? shuffled : shuffled.slice(0, 2))(
    'loses it at $point',
    async (point, { skip }) => {
      skip(isTimeUp())
      for (const call of stage.callsFor(point)) {
        const moment = { date: new Date(), acknowledged: [] as number[] }
        let cutMs = 0
        await stage.whileAt(point, call, async () => {
          moment.acknowledged = stage.ledger.acknowledged
          // A moment is of whole milliseconds.
          await rest(5)
          moment.date = new Date()
          await rest(200)
          cutMs = performance.now()
          await machine.cut()
        })
        await machine.restart()
        stage.ledger.forget(cutMs, performance.now())
        await stage.expectWhole({ withinMs: 30_000 })
        const past = await stage.readBooksAt(moment.date)
        expectInBooks(past, stage.ledger, moment)
      }
    },
  )
})
