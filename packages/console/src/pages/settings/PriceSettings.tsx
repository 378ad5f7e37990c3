import type { PricePreset, Prices, PricesAnswer, PricesUpdate } from '@coppice/api'
import {
  Badge,
  Button,
  Group,
  NumberInput,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { IconCoins } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formText } from '../../ui/form-text.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { listLabels } from '../cost/metrics.ts'
import { changedPrices, priceFields } from './price-fields.ts'
import { SettingsForm } from './SettingsForm.tsx'

const presets: readonly PricePreset[] = ['mission', 'neon', 'neon-scale']

/** The price list, which is of the platform and not of one project. */
export function PriceSettings(): ReactNode {
  const session = useQuery(queries.session()).data
  const isWithin = session?.project_id !== undefined
  const prices = useQuery({ ...queries.prices(), enabled: !isWithin })
  if (isWithin) {
    return (
      <Panel title="Prices">
        <EmptyState icon={IconCoins} title="Prices are the owner’s business">
          They hold for all projects, and you are signed in with a key for this one.
        </EmptyState>
      </Panel>
    )
  }
  return (
    <QueryView query={prices} skeletonLines={8}>
      {(found) => (
        <Stack gap="md">
          <Lists inForce={found.preset} />
          {/* A list that another takes the place of is shown anew. */}
          <PriceForm key={JSON.stringify(found)} answer={found} />
        </Stack>
      )}
    </QueryView>
  )
}

function useSavePrices() {
  return useAction({
    run: async (body: PricesUpdate) => api.updatePrices({ body }),
    done: ({ preset }) => `Prices are now those of “${listLabels[preset]}”`,
    quiet: true,
  })
}

function Lists({ inForce }: { inForce: PricesAnswer['preset'] }): ReactNode {
  const save = useSavePrices()
  return (
    <Panel
      title="Price list"
      description="For all projects of the platform, the months before included."
      actions={
        <Badge variant="light" tt="none">
          {listLabels[inForce]}
        </Badge>
      }
    >
      <Stack gap="sm">
        <Text size="sm" c="var(--faint)" maw={560}>
          Nobody is charged: prices tell what is dear, or what the same would cost elsewhere.
        </Text>
        <Group gap="xs">
          {presets.map((preset) => (
            <Button
              key={preset}
              variant="default"
              size="xs"
              disabled={preset === inForce}
              loading={save.isPending && save.variables.preset === preset}
              onClick={() => save.mutate({ preset })}
            >
              {preset === 'mission' ? 'Back to the default' : `Use ${listLabels[preset]}’s`}
            </Button>
          ))}
        </Group>
      </Stack>
    </Panel>
  )
}

function PriceForm({ answer }: { answer: PricesAnswer }): ReactNode {
  const { prices } = answer
  const save = useSavePrices()
  return (
    <SettingsForm
      title="Prices"
      description="A GB is 10⁹ bytes, a month 744 hours."
      onSubmit={(form) =>
        save.mutate({ prices: changedPrices(prices, (name) => formText(form, name)) })
      }
      isRunning={save.isPending}
      error={save.error}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md" style={{ alignItems: 'end' }}>
        {priceFields.map(({ name, label }) => (
          <PriceField key={name} {...{ name, label, prices }} />
        ))}
      </SimpleGrid>
    </SettingsForm>
  )
}

interface PriceFieldProps {
  name: keyof Prices
  label: string
  prices: Prices
}

function PriceField({ name, label, prices }: PriceFieldProps): ReactNode {
  const value = prices[name]
  if (typeof value === 'string') {
    return <TextInput name={name} label={label} defaultValue={value} maxLength={3} />
  }
  return <NumberInput name={name} label={label} min={0} decimalScale={6} defaultValue={value} />
}
