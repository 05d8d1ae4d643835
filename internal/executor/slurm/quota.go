package slurm

import (
	"context"
	"os"
	"os/user"
	"regexp"
	"strconv"
	"strings"

	"runsheet"
)

// quota is a limit on the jobs of this user that wait or run, as the controller keeps it of an association or a QOS.
type quota struct {
	of         kind
	first      bool // of the account that jobs go to which name none
	most, used int
}

// quota returns the limit that a refusal speaks of, by what the controller says of all; known is false where it does not
// say, or where several may be meant.
func (e *Executor) quota(ctx context.Context, entry runsheet.PoolEntry, r *refusal) (q quota, known bool) {
	me, err := user.Current()
	if err != nil {
		return quota{}, false
	}
	out, err := e.command(ctx, "scontrol", "show", "assoc_mgr", "users="+me.Username, "flags=assoc,qos")
	if err != nil {
		return quota{}, false
	}
	ours := kind{account: option(entry, "account", "A", "SBATCH_ACCOUNT"), qos: option(entry, "qos", "q", "SBATCH_QOS"), partition: entry.Partition}
	return meant(parseQuotas(out, os.Geteuid()), ours, r.reason())
}

// meant chooses the limit that a refusal of jobs of ours speaks of.
func meant(all []quota, ours kind, words string) (q quota, known bool) {
	var fit, full []quota
	for _, q := range all {
		ofQOS := q.of.qos != ""
		if strings.Contains(words, "Assoc") && ofQOS || strings.Contains(words, "QOS") && !ofQOS {
			continue
		}
		if ofQOS && ours.qos != "" && q.of.qos != ours.qos || q.of.partition != "" && q.of.partition != ours.partition {
			continue
		}
		if !ofQOS && ours.account != "" && q.of.account != ours.account || !ofQOS && ours.account == "" && !q.first {
			continue
		}
		fit = append(fit, q)
		if q.used >= q.most {
			full = append(full, q)
		}
	}
	if len(full) > 0 {
		fit = full
	}
	if len(fit) != 1 {
		return quota{}, false
	}
	return fit[0], true
}

// option returns what sbatch is told of something, by the options of an entry of the pool or by its environment.
func option(entry runsheet.PoolEntry, long, short, variable string) string {
	value := ""
	if kept[variable] {
		value = os.Getenv(variable)
	}
	for _, o := range entry.Options { // the last word counts
		if v, ok := strings.CutPrefix(o, "--"+long+"="); ok {
			value = v
		} else if v, ok := strings.CutPrefix(o, "-"+short); ok && !strings.HasPrefix(o, "--") {
			value = v
		}
	}
	return value
}

// among says whose jobs are meant, as the end of a phrase.
func (k kind) among() string {
	switch {
	case k.qos != "":
		return " with the QOS " + k.qos
	case k.account != "":
		return " for the account " + k.account
	}
	return ""
}

var (
	association = regexp.MustCompile(`^ClusterName=\S* Account=(\S*) UserName=\S*\((\d+)\) Partition=(\S*)`)
	submitLimit = regexp.MustCompile(`\bMaxSubmitJobs(?:PU)?=(\d+)\((\d+)\)`)
)

// parseQuotas reads what limits `scontrol show assoc_mgr` shows on the jobs of a user: records that begin at the first
// column, of which a QOS has the limits of its users, by their numbers, in lines of their own.
func parseQuotas(out string, uid int) (all []quota) {
	var of kind
	first, ours := false, false
	for line := range strings.Lines(out) {
		text := strings.TrimSpace(line)
		if m := association.FindStringSubmatch(line); m != nil {
			of, first, ours = kind{account: m[1], partition: m[3]}, false, m[2] == strconv.Itoa(uid)
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(text, "QOS="), "(")
		switch {
		case strings.HasPrefix(line, "QOS="):
			of, first, ours = kind{qos: name}, false, false
		case text != "" && line[0] != ' ':
			of, ours = kind{}, false
		case strings.HasSuffix(text, " Limits"): // "Account Limits", "User Limits"
			ours = false
		case strings.HasSuffix(text, "DefAssoc=Yes"):
			first = true
		case of.qos != "" && text != "" && !strings.ContainsAny(text, "= "):
			ours = name == strconv.Itoa(uid) || strings.HasSuffix(text, "("+strconv.Itoa(uid)+")")
		}
		if m := submitLimit.FindStringSubmatch(text); m != nil && ours {
			most, err := strconv.Atoi(m[1])
			used, uerr := strconv.Atoi(m[2])
			if err == nil && uerr == nil {
				all = append(all, quota{of, first, most, used})
			}
		}
	}
	return all
}
