import type { CostMetric, PriceListName } from '@coppice/api'

interface MetricText {
  label: string
  /** What the quantity is counted in. */
  unit: string
}

/** What is paid for, in the order of the report. */
export const metricTexts: Readonly<Record<CostMetric, MetricText>> = {
  compute: { label: 'Compute', unit: 'CU-hours' },
  storage: { label: 'Storage', unit: 'GB-months' },
  history: { label: 'History', unit: 'GB-months' },
  snapshots: { label: 'Snapshots', unit: 'GB-months' },
  egress: { label: 'Egress', unit: 'GB' },
  branches: { label: 'Branches', unit: 'branch-months' },
}

/** Of the price lists. */
export const listLabels: Readonly<Record<PriceListName, string>> = {
  mission: 'Coppice’s default',
  neon: 'Neon Launch',
  'neon-scale': 'Neon Scale',
  custom: 'Your own list',
}
