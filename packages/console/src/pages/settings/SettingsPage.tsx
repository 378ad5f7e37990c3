import type { Project } from '@coppice/api'
import { Tabs } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import {
  IconAdjustments,
  IconArrowsSplit2,
  IconCoins,
  IconCpu,
  IconGauge,
  IconHistory,
  IconKey,
  IconShieldLock,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useSearchParams } from 'react-router'

import { queries } from '../../api/queries.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { useProjectId } from '../use-project-id.ts'
import { AllowedIps } from './AllowedIps.tsx'
import { ApiKeys } from './ApiKeys.tsx'
import { ComputeDefaults } from './ComputeDefaults.tsx'
import { GeneralSettings } from './GeneralSettings.tsx'
import { HistoryWindow } from './HistoryWindow.tsx'
import { PoolerSettings } from './PoolerSettings.tsx'
import { PriceSettings } from './PriceSettings.tsx'
import { QuotaSettings } from './QuotaSettings.tsx'

/** Another section is another line. */
const sections = [
  { id: 'general', label: 'General', icon: IconAdjustments, Content: GeneralSettings },
  { id: 'compute', label: 'Compute defaults', icon: IconCpu, Content: ComputeDefaults },
  { id: 'history', label: 'History window', icon: IconHistory, Content: HistoryWindow },
  { id: 'network', label: 'IP allow list', icon: IconShieldLock, Content: AllowedIps },
  { id: 'pooler', label: 'Pooler', icon: IconArrowsSplit2, Content: PoolerSettings },
  { id: 'quotas', label: 'Quotas', icon: IconGauge, Content: QuotaSettings },
  { id: 'prices', label: 'Prices', icon: IconCoins, Content: PriceSettings },
  { id: 'keys', label: 'API keys', icon: IconKey, Content: ApiKeys },
] as const

export interface SettingsSectionProps {
  project: Project
}

/** What holds for a project and for what is made in it. The section is in the address. */
export function Component(): ReactNode {
  const project = useQuery(queries.project(useProjectId()))
  const [params, setParams] = useSearchParams()
  const isWide = useMediaQuery('(min-width: 62em)')
  const section = sections.find(({ id }) => id === params.get('section')) ?? sections[0]
  return (
    <>
      <PageHeader title="Settings" description="Of this project, its branches and computes." />
      <Tabs
        value={section.id}
        onChange={(id) => setParams({ section: id ?? sections[0].id })}
        orientation={isWide ? 'vertical' : 'horizontal'}
        variant="pills"
        keepMounted={false}
        styles={{ tabLabel: { textAlign: 'left' } }}
      >
        <Tabs.List aria-label="Sections" mb={isWide ? 0 : 'md'} mr={isWide ? 'lg' : 0} miw={180}>
          {sections.map(({ id, label, icon: Glyph }) => (
            <Tabs.Tab
              key={id}
              value={id}
              leftSection={<Glyph size={16} stroke={1.7} aria-hidden />}
            >
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {sections.map(({ id, Content }) => (
          <Tabs.Panel key={id} value={id} style={{ minWidth: 0 }}>
            <QueryView query={project}>{(found) => <Content project={found} />}</QueryView>
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  )
}
