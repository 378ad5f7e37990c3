import { Alert, Badge, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'

import { CopyField } from '../../../ui/CopyField.tsx'
import { formatMilliseconds } from '../../../ui/format.ts'
import { layOutPlan, nodeHeight, nodeWidth, type PlanEdge, type PlacedNode } from './plan-layout.ts'
import { detailLines, planText } from './plan-text.ts'
import { formatCount, type Plan, type PlanNode } from './read-plan.ts'

import classes from './plan.module.css'

type Form = 'picture' | 'text' | 'json'

/** How PostgreSQL runs a statement: as a picture, in words for who knows them, and as it said it. */
export function PlanView({ plan }: { plan: Plan }): ReactNode {
  const [form, setForm] = useState<Form>('picture')
  const [chosen, setChosen] = useState<PlanNode>()
  const selected = plan.nodes.find((node) => node === chosen) ?? heaviest(plan)
  const warned = plan.nodes.filter(({ warnings }) => warnings.length > 0)
  return (
    <div className={classes['plan']}>
      <Group justify="space-between" gap="xs" px="md" py="xs">
        <Text size="sm" c="var(--faint)" component="div" className="figures">
          <Summary plan={plan} warnings={warned.length} />
        </Text>
        <SegmentedControl
          size="xs"
          aria-label="Form of the plan"
          value={form}
          onChange={(value) => setForm(value as Form)}
          data={[
            { value: 'picture', label: 'Picture' },
            { value: 'text', label: 'Text' },
            { value: 'json', label: 'JSON' },
          ]}
        />
      </Group>
      {form === 'picture' && (
        <div className={classes['split']}>
          <PlanPicture plan={plan} selected={selected} onSelect={setChosen} />
          <NodeDetails node={selected} wasRun={plan.wasRun} />
        </div>
      )}
      {form === 'text' && (
        <div className={classes['text']}>
          <CopyField value={planText(plan)} label="Copy plan" />
        </div>
      )}
      {form === 'json' && (
        <div className={classes['text']}>
          <CopyField value={plan.json} label="Copy plan" />
        </div>
      )}
    </div>
  )
}

const heaviest = ({ nodes, root }: Plan): PlanNode =>
  nodes.reduce((most, node) => (node.share > most.share ? node : most), root)

function Summary({ plan, warnings }: { plan: Plan; warnings: number }): ReactNode {
  const { planningMs, executionMs, wasRun } = plan
  const parts = wasRun
    ? [
        `${preciseMs(executionMs ?? 0)} to run`,
        `${preciseMs(planningMs ?? 0)} to plan`,
        'taken back',
      ]
    : ['Not run: rows and costs are what the planner expects']
  if (warnings > 0) parts.push(`${warnings} ${warnings === 1 ? 'step' : 'steps'} to look at`)
  return parts.join(' · ')
}

const preciseMs = (ms: number): string =>
  ms < 100 ? `${ms.toFixed(2)} ms` : formatMilliseconds(ms)

/** Around the picture, in pixels. */
const margin = 20

interface PlanPictureProps {
  plan: Plan
  selected: PlanNode
  onSelect: (node: PlanNode) => void
}

function PlanPicture({ plan, selected, onSelect }: PlanPictureProps): ReactNode {
  const layout = useMemo(() => layOutPlan(plan.root), [plan])
  const picture = useRef<HTMLDivElement>(null)
  // What takes the longest is in sight from the beginning, and the page stays where it is.
  useEffect(() => {
    const most = layout.nodes.find(({ node }) => node === heaviest(plan))
    if (picture.current === null || most === undefined) return
    picture.current.scrollLeft = most.x + nodeWidth + 2 * margin - picture.current.clientWidth
    picture.current.scrollTop = most.y + nodeHeight + 2 * margin - picture.current.clientHeight
  }, [plan, layout])
  return (
    <div ref={picture} className={classes['picture']} role="group" aria-label="Plan" tabIndex={0}>
      <div
        className={classes['canvas']}
        style={{ width: layout.width + margin, height: layout.height + margin }}
      >
        <svg className={classes['edges']} width={layout.width} height={layout.height} aria-hidden>
          {layout.edges.map((edge) => (
            <path key={edge.to.node.id} d={curveOf(edge)} strokeWidth={edge.thickness} />
          ))}
        </svg>
        {layout.nodes.map((placed) => (
          <NodeCard
            key={placed.node.id}
            placed={placed}
            wasRun={plan.wasRun}
            isSelected={placed.node === selected}
            onSelect={onSelect}
          />
        ))}
      </div>
    </div>
  )
}

function curveOf({ from, to }: PlanEdge): string {
  const [startX, startY] = [from.x + nodeWidth, from.y + nodeHeight / 2]
  const endY = to.y + nodeHeight / 2
  const middle = (startX + to.x) / 2
  return `M${startX} ${startY}C${middle} ${startY} ${middle} ${endY} ${to.x} ${endY}`
}

interface NodeCardProps {
  placed: PlacedNode
  wasRun: boolean
  isSelected: boolean
  onSelect: (node: PlanNode) => void
}

function NodeCard({ placed, wasRun, isSelected, onSelect }: NodeCardProps): ReactNode {
  const { node, x, y } = placed
  const percent = Math.round(node.share * 100)
  return (
    <button
      type="button"
      className={classes['node']}
      aria-pressed={isSelected}
      data-heat={heatOf(node.share)}
      style={{ transform: `translate(${x}px, ${y}px)`, width: nodeWidth, height: nodeHeight }}
      onClick={() => onSelect(node)}
    >
      <span className={classes['nodeHead']}>
        <span className={classes['nodeName']}>{node.name}</span>
        {node.warnings.length > 0 && (
          <IconAlertTriangle size={15} className={classes['warning'] ?? ''} aria-label="Warning" />
        )}
      </span>
      <span className={classes['nodeTarget']}>
        {[node.role, node.target].filter((part) => part !== '').join(' · ') || ' '}
      </span>
      <span className={classes['nodeFigures']}>
        <span>{rowsOf(node.rows)}</span>
        <span>{wasRun ? preciseMs(node.own) : `cost ${formatCount(node.own)}`}</span>
      </span>
      <span className={classes['bar']}>
        <span style={{ width: `${Math.max(percent, 1)}%` }} />
      </span>
      <span className={classes['percent']}>{percent} %</span>
    </button>
  )
}

const rowsOf = (rows: number): string => `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`

function heatOf(share: number): string {
  if (share >= 0.5) return 'hot'
  return share >= 0.2 ? 'warm' : 'cool'
}

function NodeDetails({ node, wasRun }: { node: PlanNode; wasRun: boolean }): ReactNode {
  const loops = node.fields['Actual Loops']
  return (
    <section className={classes['details']} aria-label="Details of the step">
      <Stack gap={8}>
        <div>
          <Text fw={650}>{node.name}</Text>
          <Text size="sm" c="var(--faint)">
            {[node.role, node.target].filter((part) => part !== '').join(' · ')}
          </Text>
        </div>
        {node.warnings.map((warning) => (
          <Alert key={warning} color="yellow" p="xs" icon={<IconAlertTriangle size={16} />}>
            {warning}
          </Alert>
        ))}
        <Group gap={6}>
          <Badge variant="light" color="gray" tt="none">
            {rowsOf(node.rows)}
          </Badge>
          {wasRun && (
            <Badge variant="light" color="gray" tt="none">
              {formatCount(node.estimatedRows)} expected
            </Badge>
          )}
          {wasRun && (
            <Badge variant="light" color="gray" tt="none">
              {preciseMs(node.timeMs ?? 0)} with what is below
            </Badge>
          )}
          {typeof loops === 'number' && loops !== 1 && (
            <Badge variant="light" color="gray" tt="none">
              {loops === 0 ? 'never run' : `${formatCount(loops)} loops`}
            </Badge>
          )}
        </Group>
        <ul className={classes['fields']}>
          {detailLines(node.fields).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </Stack>
    </section>
  )
}
