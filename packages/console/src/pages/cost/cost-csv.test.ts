import type { CostReport } from '@coppice/api'
import { expect, test } from 'vitest'

import { costCsv } from './cost-csv.ts'

const report = {
  month: '2026-11',
  prices: { currency: 'EUR' },
  items: [
    {
      metric: 'compute',
      unit: 'CU-hour',
      quantity: 1.5,
      included: 0,
      price: 0.1,
      cost: 0.15,
      estimate: 0.3,
    },
  ],
  total: 0.15,
  estimate: 0.3,
  shares: [{ branch_name: '=cmd|"x", y', branch_id: 'br-1', cost: 0.15, active_hours: 6 }],
} as unknown as CostReport

test('a report becomes rows, and no name becomes a formula or another column', () => {
  const lines = costCsv(report).split('\r\n')
  expect(lines[1]).toBe('2026-11,compute,1.5,CU-hour,0,0.1,0.15,0.3,EUR')
  expect(lines[2]).toBe('2026-11,total,,,,,0.15,0.3,EUR')
  expect(lines[5]).toMatch(/^2026-11,"'=cmd\|""x"", y",br-1,,6,/)
})
