/** `ww`: wrote the next version; `wr`: read what the other wrote; `rw`: read what the other then overwrote. */
export type EdgeKind = 'ww' | 'wr' | 'rw'

/** `from` comes before `to`. */
export interface Edge {
  kind: EdgeKind
  key: number
  from: number
  to: number
}

/** The knots of a graph: each two nodes in one are on a cycle. Tarjan's algorithm, without recursion. */
export function stronglyConnected(edges: readonly Edge[]): Set<number>[] {
  const next = edgesFrom(edges)
  const index = new Map<number, number>()
  const low = new Map<number, number>()
  const stack: number[] = []
  const onStack = new Set<number>()
  const knots: Set<number>[] = []
  const enter = (node: number): void => {
    low.set(node, index.size)
    index.set(node, index.size)
    stack.push(node)
    onStack.add(node)
  }
  const lower = (node: number, to: number | undefined): void => {
    low.set(node, Math.min(low.get(node) ?? Infinity, to ?? Infinity))
  }
  const leave = (node: number): void => {
    if (low.get(node) !== index.get(node)) return
    const knot = new Set(stack.splice(stack.lastIndexOf(node)))
    for (const one of knot) onStack.delete(one)
    if (knot.size > 1) knots.push(knot)
  }
  for (const root of next.keys()) {
    if (index.has(root)) continue
    enter(root)
    const path = [{ node: root, at: 0 }]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const to = next.get(top.node)?.[top.at++]?.to
      if (to === undefined) {
        path.pop()
        leave(top.node)
        const parent = path.at(-1)
        if (parent) lower(parent.node, low.get(top.node))
      } else if (!index.has(to)) {
        enter(to)
        path.push({ node: to, at: 0 })
      } else if (onStack.has(to)) lower(top.node, index.get(to))
    }
  }
  return knots
}

/** Edges by the node that they start from. */
export function edgesFrom(edges: readonly Edge[]): ReadonlyMap<number, readonly Edge[]> {
  const from = new Map<number, Edge[]>()
  for (const edge of edges) {
    const known = from.get(edge.from)
    if (known) known.push(edge)
    else from.set(edge.from, [edge])
  }
  return from
}

/** The shortest cycle of an edge and others, or undefined. */
export function findCycle(
  first: Edge,
  from: ReadonlyMap<number, readonly Edge[]>,
): Edge[] | undefined {
  const by = new Map<number, Edge>()
  const queue = [first.to]
  for (const node of queue) {
    for (const edge of from.get(node) ?? []) {
      if (edge.to === first.to || by.has(edge.to)) continue
      by.set(edge.to, edge)
      if (edge.to === first.from) return [first, ...trace(by, edge, first.to)]
      queue.push(edge.to)
    }
  }
  return undefined
}

function trace(by: ReadonlyMap<number, Edge>, last: Edge, start: number): Edge[] {
  const path = [last]
  for (let edge = last; edge.from !== start;) {
    const before = by.get(edge.from)
    if (before === undefined) throw new Error('a path leads back to its start')
    path.unshift(before)
    edge = before
  }
  return path
}
