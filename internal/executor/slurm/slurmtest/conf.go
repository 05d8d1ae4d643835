package slurmtest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// comments is a job_submit.lua that leaves no job the comment that it was submitted with.
const comments = `function slurm_job_submit(job, partitions, uid)
   job.comment = "submitted by user " .. uid
   return slurm.SUCCESS
end

function slurm_job_modify(job, record, partitions, uid)
   return slurm.SUCCESS
end

return slurm.SUCCESS
`

// needsLua skips the test where a cluster cannot have a job_submit plugin of its own.
func needsLua(t testing.TB) {
	t.Helper()
	for _, pattern := range []string{"/usr/lib*/slurm*/job_submit_lua.so", "/usr/lib/*/slurm*/job_submit_lua.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return
		}
	}
	t.Skip("a job_submit plugin needs Slurm's own for Lua: install slurm-wlm-basic-plugins and a Lua library")
}

// conf is slurm.conf(5). What it sets is what makes several nodes on one machine possible, and tests quick.
func (c *Cluster) conf() string {
	var b strings.Builder
	set := func(key string, value any) { fmt.Fprintf(&b, "%s=%v\n", key, value) }
	set("ClusterName", c.config.Name)
	set("SlurmctldHost", "localhost(127.0.0.1)")
	set("SlurmctldPort", c.ports[0])
	set("SlurmUser", "root")
	set("SlurmdUser", "root")
	set("AuthType", "auth/munge")
	// A requeued job waits until the credential of its earlier execution has expired: two minutes by default, and also
	// where less than five seconds are set.
	set("AuthInfo", "socket="+c.path("munge/socket")+",cred_expire=5")
	set("CredType", "cred/munge")
	set("StateSaveLocation", c.path("ctld"))
	set("SlurmctldPidFile", c.path("slurmctld.pid"))
	set("SlurmdSpoolDir", c.path("%n"))
	set("SlurmdPidFile", c.path("%n/slurmd.pid"))
	set("PlugStackConfig", c.path("plugstack.conf"))
	set("ProctrackType", "proctrack/linuxproc")
	set("TaskPlugin", "task/none")
	gather, resources := "none", "CR_CPU"
	if c.config.OverMemoryKill {
		gather, resources = "linux", "CR_CPU_Memory" // where memory is nothing to be given, no job has a limit
		set("JobAcctGatherFrequency", "task=1")
		set("JobAcctGatherParams", "OverMemoryKill")
	}
	set("JobAcctGatherType", "jobacct_gather/"+gather)
	b.WriteString(c.accountingConf())
	set("JobCompType", "jobcomp/none")
	set("SelectType", "select/cons_tres")
	set("SelectTypeParameters", resources)
	set("Prolog", c.path("prolog"))
	set("SchedulerType", "sched/backfill")
	set("SchedulerParameters", "bf_interval=1,sched_interval=1,batch_sched_delay=0,sched_min_interval=0,bf_max_job_test=1000,default_queue_depth=1000")
	set("ReturnToService", 2)
	set("SlurmdParameters", "config_overrides") // more CPUs than there are
	set("SwitchType", "switch/none")
	set("MpiDefault", "none")
	if c.config.Comments {
		set("JobSubmitPlugins", "lua")
	}
	set("MailProg", "/bin/true")
	set("KillWait", seconds(c.config.KillWait))
	set("SlurmdTimeout", seconds(cmp.Or(c.config.SlurmdTimeout, 6*time.Second)))
	set("SlurmctldTimeout", 5)
	set("MessageTimeout", seconds(cmp.Or(c.config.MessageTimeout, 10*time.Second)))
	set("CommunicationParameters", "NoInAddrAny,NoCtldInAddrAny") // loopback alone
	set("UnkillableStepTimeout", 30)
	set("PreemptType", "preempt/partition_prio")
	set("PreemptMode", "REQUEUE")
	if c.config.MaxArraySize > 0 {
		set("MaxArraySize", c.config.MaxArraySize)
	}
	if c.config.MaxJobCount > 0 {
		set("MaxJobCount", c.config.MaxJobCount)
	}
	if c.config.MinJobAge > 0 {
		set("MinJobAge", seconds(c.config.MinJobAge))
	}
	gres := ""
	if c.config.GPUs > 0 {
		set("GresTypes", "gpu")
		gres = fmt.Sprintf(" Gres=gpu:%d", c.config.GPUs)
	}
	for i, name := range c.Nodes() {
		fmt.Fprintf(&b, "NodeName=%s NodeHostname=%s NodeAddr=127.0.0.1 Port=%d CPUs=%d RealMemory=2000%s\n", name, name, c.ports[1+i], c.config.CPUs, gres)
	}
	all := strings.Join(c.Nodes(), ",")
	fmt.Fprintf(&b, "PartitionName=main Nodes=%s Default=YES MaxTime=INFINITE State=UP PriorityTier=1\n", all)
	fmt.Fprintf(&b, "PartitionName=cancelling Nodes=%s MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=CANCEL\n", all)
	fmt.Fprintf(&b, "PartitionName=urgent Nodes=%s MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF\n", all)
	// Slurm takes jobs that are longer, and never starts them.
	fmt.Fprintf(&b, "PartitionName=brief Nodes=%s MaxTime=1 State=UP PriorityTier=1\n", all)
	if c.config.Grace > 0 {
		fmt.Fprintf(&b, "PartitionName=yielding Nodes=%s MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=%d\n", all, seconds(c.config.Grace))
	}
	return b.String()
}

// gres is gres.conf(5), with the device nodes that it names: they only have to be there.
func (c *Cluster) gres() string {
	if c.config.GPUs == 0 {
		return ""
	}
	for i := range c.config.GPUs {
		// The numbers are those of /dev/null: nobody is to talk to it.
		if err := unix.Mknod(c.path(fmt.Sprintf("nvidia%d", i)), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
			if os.WriteFile(c.path(fmt.Sprintf("nvidia%d", i)), nil, 0o666) != nil {
				c.t.Fatal(err)
			}
		}
	}
	return fmt.Sprintf("Name=gpu File=%s[0-%d]\n", c.path("nvidia"), c.config.GPUs-1)
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
