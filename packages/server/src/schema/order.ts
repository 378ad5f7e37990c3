import { type Address, kinds, type SchemaObject } from './schema-object.ts'

export interface Dependency {
  from: Address
  to: Address
}

/**
 * Objects in the order in which they can be made: each after what it depends on, otherwise by kind and
 * name. Views that need each other through rules or functions are first made as stand-ins.
 */
export function inOrder(
  objects: readonly SchemaObject[],
  dependencies: readonly Dependency[],
): SchemaObject[] {
  let all = objects.toSorted(byKindAndName)
  for (;;) {
    const { ordered, cycle } = sort(all, dependencies)
    const view = cycle?.find((object) => object.standIn !== undefined)
    // Whatever else goes in circles was made by hand in a superuser's catalog.
    if (view === undefined) return ordered
    all = all
      .flatMap((object) => (object === view ? split(view) : [object]))
      .toSorted(byKindAndName)
  }
}

const rank = new Map(kinds.map((kind, index) => [kind, index]))

function byKindAndName(a: SchemaObject, b: SchemaObject): number {
  const difference = (rank.get(a.kind) ?? 0) - (rank.get(b.kind) ?? 0)
  if (difference !== 0) return difference
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

/** The stand-in is what others depend on; the view itself replaces it when all of them are there. */
function split(view: SchemaObject): SchemaObject[] {
  const isRule = (address: Address): boolean => address.startsWith('pg_rewrite:')
  const { kind, name, standIn = '', ownership = '' } = view
  const relation = view.addresses.filter((address) => !isRule(address))
  return [
    { kind, name, addresses: relation, statements: [standIn], ownership },
    {
      kind: 'rule',
      name,
      addresses: view.addresses.filter(isRule),
      after: relation,
      statements: view.statements.map((one) => one.replace(/^CREATE /, 'CREATE OR REPLACE ')),
    },
  ]
}

interface Sorted {
  ordered: SchemaObject[]
  /** The first circle found, where there is one. */
  cycle: SchemaObject[] | undefined
}

function sort(objects: readonly SchemaObject[], dependencies: readonly Dependency[]): Sorted {
  const owners = new Map<Address, SchemaObject>()
  for (const object of objects) {
    for (const address of object.addresses) owners.set(address, object)
  }
  const needs = new Map<SchemaObject, Set<SchemaObject>>()
  const need = (object: SchemaObject | undefined, other: SchemaObject | undefined): void => {
    if (object === undefined || other === undefined || object === other) return
    needs.set(object, (needs.get(object) ?? new Set()).add(other))
  }
  for (const { from, to } of dependencies) need(owners.get(from), owners.get(to))
  for (const object of objects) {
    for (const address of object.after ?? []) need(object, owners.get(address))
  }
  const place = new Map(objects.map((object, index) => [object, index]))
  const needsOf = (object: SchemaObject): SchemaObject[] =>
    [...(needs.get(object) ?? [])].toSorted((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0))
  return depthFirst(objects, needsOf)
}

/** Without recursion: a chain of views may be longer than the stack is deep. */
function depthFirst(
  objects: readonly SchemaObject[],
  needsOf: (object: SchemaObject) => SchemaObject[],
): Sorted {
  const ordered: SchemaObject[] = []
  const state = new Map<SchemaObject, 'open' | 'done'>()
  let cycle: SchemaObject[] | undefined
  for (const root of objects) {
    if (state.has(root)) continue
    state.set(root, 'open')
    const path = [{ object: root, rest: needsOf(root).values() }]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { value: next } = top.rest.next()
      if (next === undefined) {
        state.set(top.object, 'done')
        ordered.push(top.object)
        path.pop()
      } else if (state.get(next) === 'open') {
        const start = path.findIndex(({ object }) => object === next)
        cycle ??= path.slice(start).map(({ object }) => object)
      } else if (!state.has(next)) {
        state.set(next, 'open')
        path.push({ object: next, rest: needsOf(next).values() })
      }
    }
  }
  return { ordered, cycle }
}
