import type { PlanNode } from './read-plan.ts'

export const nodeWidth = 204
export const nodeHeight = 96
const gapX = 40
const gapY = 18

export interface PlacedNode {
  node: PlanNode
  x: number
  y: number
}

export interface PlanEdge {
  from: PlacedNode
  to: PlacedNode
  /** In pixels, by how many rows pass. */
  thickness: number
}

export interface PlanLayout {
  nodes: readonly PlacedNode[]
  edges: readonly PlanEdge[]
  width: number
  height: number
}

/** The root at the left, what it reads from at its right; a parent is in the middle of its children. */
export function layOutPlan(root: PlanNode): PlanLayout {
  const nodes: PlacedNode[] = []
  const edges: PlanEdge[] = []
  let nextY = 0
  const place = (node: PlanNode, depth: number): PlacedNode => {
    const children = node.children.map((child) => place(child, depth + 1))
    const [first, last] = [children[0], children.at(-1)]
    let y = nextY
    if (first && last) y = (first.y + last.y) / 2
    else nextY += nodeHeight + gapY
    const placed = { node, x: depth * (nodeWidth + gapX), y }
    nodes.push(placed)
    for (const child of children) {
      edges.push({ from: placed, to: child, thickness: thicknessOf(child.node.rows) })
    }
    return placed
  }
  place(root, 0)
  return {
    nodes: nodes.toSorted((a, b) => a.node.id - b.node.id),
    edges,
    width: Math.max(...nodes.map(({ x }) => x)) + nodeWidth,
    height: nextY - gapY,
  }
}

/** From one row to a million: 1.5 to 9 pixels. */
const thicknessOf = (rows: number): number =>
  1.5 + Math.min(6, Math.log10(Math.max(1, rows))) * 1.25
