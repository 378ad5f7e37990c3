import { numberOf, type Plan, type PlanFields, type PlanNode, textOf } from './read-plan.ts'

/** A plan in the lines of EXPLAIN's text form, from what its JSON form says. */
export function planText(plan: Plan): string {
  const lines = nodeLines(plan.root, 0, plan.wasRun)
  for (const trigger of plan.triggers) {
    const calls = numberOf(trigger, 'Calls') ?? 0
    lines.push(
      `Trigger ${textOf(trigger, 'Trigger Name') ?? ''}: time=${fixed(numberOf(trigger, 'Time') ?? 0)} calls=${calls}`,
    )
  }
  if (plan.planningMs !== undefined) lines.push(`Planning Time: ${fixed(plan.planningMs)} ms`)
  if (plan.executionMs !== undefined) lines.push(`Execution Time: ${fixed(plan.executionMs)} ms`)
  return lines.join('\n')
}

function nodeLines(node: PlanNode, depth: number, wasRun: boolean): string[] {
  const { fields } = node
  const lines: string[] = []
  let indent = depth === 0 ? 0 : depth * 6 - 4
  if (node.role !== '') {
    lines.push(`${' '.repeat(indent)}${node.role}`)
    indent += 2
  }
  const head = [node.name, node.target].filter((part) => part !== '').join(' ')
  const arrow = depth === 0 ? '' : '->  '
  lines.push(`${' '.repeat(indent)}${arrow}${head}  ${costs(fields)}${actuals(fields, wasRun)}`)
  const inner = ' '.repeat(indent + arrow.length + 2)
  for (const detail of detailLines(fields)) lines.push(inner + detail)
  for (const child of node.children) lines.push(...nodeLines(child, depth + 1, wasRun))
  return lines
}

function costs(fields: PlanFields): string {
  const [start, total] = ['Startup Cost', 'Total Cost'].map((name) =>
    fixed(numberOf(fields, name) ?? 0, 2),
  )
  return `(cost=${start}..${total} rows=${numberOf(fields, 'Plan Rows') ?? 0} width=${numberOf(fields, 'Plan Width') ?? 0})`
}

function actuals(fields: PlanFields, wasRun: boolean): string {
  if (!wasRun) return ''
  const loops = numberOf(fields, 'Actual Loops') ?? 0
  if (loops === 0) return ' (never executed)'
  const start = numberOf(fields, 'Actual Startup Time')
  const time =
    start === undefined
      ? ''
      : `time=${fixed(start)}..${fixed(numberOf(fields, 'Actual Total Time') ?? 0)} `
  return ` (actual ${time}rows=${numberOf(fields, 'Actual Rows') ?? 0} loops=${loops})`
}

/** Said in the node's first line, or where the node is. */
const inHead = new Set([
  'Node Type',
  'Parent Relationship',
  'Subplan Name',
  'Parallel Aware',
  'Async Capable',
  'Join Type',
  'Strategy',
  'Partial Mode',
  'Operation',
  'Scan Direction',
  'Relation Name',
  'Alias',
  'Schema',
  'Index Name',
  'Function Name',
  'CTE Name',
  'Tuplestore Name',
  'Startup Cost',
  'Total Cost',
  'Plan Rows',
  'Plan Width',
  'Actual Startup Time',
  'Actual Total Time',
  'Actual Rows',
  'Actual Loops',
  'Plans',
  'Inner Unique',
  'Disabled',
  'Workers',
  'Single Copy',
])

/** What else a node says, as `Name: value`, without what is nothing. */
export function detailLines(fields: PlanFields): string[] {
  const lines: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (inHead.has(name) || value === 0 || value === false) continue
    if (Array.isArray(value)) {
      if (value.every((one) => typeof one !== 'object')) lines.push(`${name}: ${value.join(', ')}`)
    } else if (typeof value === 'object' && value !== null) continue
    else lines.push(`${name}: ${String(value)}`)
  }
  return lines
}

const fixed = (value: number, digits = 3): string => value.toFixed(digits)
