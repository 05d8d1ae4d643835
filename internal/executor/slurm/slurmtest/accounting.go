package slurmtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"testing"
	"time"
)

// Slurm keeps accounts in slurmdbd, which keeps them in MariaDB: what runs here are both, since what limits jobs, and
// what sacct says of them, is nowhere else. Nothing but slurmdbd speaks to the database, over a socket that only this
// user can reach, so it has no port and no passwords. Both daemons end before the cluster does.

// systemTables are the scripts that make MariaDB's own tables, of which slurmdbd needs that of functions. The tool that
// is made for it, mariadb-install-db, wants more packages than the server itself.
var systemTables = []string{"/usr/share/mysql/mysql_system_tables.sql", "/usr/share/mariadb/mysql_system_tables.sql",
	"/usr/share/mariadb/mariadb_system_tables.sql"}

// accounted says whether the cluster has an accounting database.
func (c Config) accounted() bool { return c.Accounting || c.SubmitLimit > 0 }

// needsAccounting skips the test where a cluster cannot have an accounting database.
func needsAccounting(t testing.TB) {
	t.Helper()
	for _, name := range []string{"mariadbd", "slurmdbd", "sacctmgr", "sacct"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("an accounting database needs %s: install mariadb-server-core, slurmdbd and slurm-client", name)
		}
	}
	if tablesOf() == "" {
		t.Skipf("an accounting database needs the scripts of mariadb-server-core: none of %s is there", strings.Join(systemTables, ", "))
	}
}

func tablesOf() string {
	for _, path := range systemTables {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// startAccounting starts the accounting database, and gives this user an account in it. The controller is not there
// yet: where limits are enforced, it only takes jobs of those that it found in the database when it started.
func (c *Cluster) startAccounting() {
	c.t.Helper()
	c.startDatabase()
	c.write("slurmdbd.conf", c.dbdConf(), 0o600)
	// The database is on localhost, where the client library uses the socket that the variable names. slurmdbd listens
	// where its host name leads to.
	dbd := c.daemon("slurmdbd", "unshare", "--uts", "--mount", "sh", "-c",
		`mount --bind "$0" /etc/hosts && hostname localhost && MYSQL_UNIX_PORT="$1" exec slurmdbd -D -s`, c.path("hosts"), c.path("mariadb/socket"))
	c.t.Cleanup(dbd.kill)
	c.awaitFrom(dbd, "slurmdbd to answer", func() bool { return c.Try("sacctmgr", "--noheader", "show", "cluster") == nil })
	me, err := user.Current()
	if err != nil {
		c.t.Fatal(err)
	}
	c.Run("sacctmgr", "--immediate", "add", "cluster", c.config.Name)
	c.Run("sacctmgr", "--immediate", "add", "account", "test", "cluster="+c.config.Name)
	c.Run("sacctmgr", "--immediate", "add", "user", me.Username, "account=test", "cluster="+c.config.Name, "defaultaccount=test")
	if c.config.SubmitLimit > 0 {
		// In each of the user's accounts: root has one from the beginning.
		c.Run("sacctmgr", "--immediate", "modify", "user", me.Username, "set", fmt.Sprintf("maxsubmitjobs=%d", c.config.SubmitLimit))
	}
}

// startDatabase starts a MariaDB server of the cluster's own, empty, and returns once it takes connections.
func (c *Cluster) startDatabase() {
	c.t.Helper()
	tables, err := os.ReadFile(tablesOf())
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.MkdirAll(c.path("mariadb/data"), 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.write("mariadb/init.sql", "CREATE DATABASE mysql;\nUSE mysql;\n"+string(tables), 0o600)
	// Nobody wants its data once it is gone, so it need not wait for the disk.
	server := c.daemon("mariadb", "mariadbd", "--no-defaults", "--user=root", "--skip-grant-tables", "--skip-networking",
		"--datadir="+c.path("mariadb/data"), "--socket="+c.path("mariadb/socket"), "--pid-file="+c.path("mariadb/pid"),
		"--tmpdir="+c.path("mariadb"), "--init-file="+c.path("mariadb/init.sql"), "--innodb-flush-log-at-trx-commit=0",
		"--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M")
	c.t.Cleanup(server.kill)
	c.awaitFrom(server, "MariaDB to greet", func() bool {
		// The socket is there sooner than a server that answers on it.
		conn, err := net.Dial("unix", c.path("mariadb/socket"))
		if err != nil {
			return false
		}
		defer conn.Close()
		conn.SetReadDeadline(time.Now().Add(time.Second))
		_, err = conn.Read(make([]byte, 1))
		return err == nil
	})
}

// dbdConf is slurmdbd.conf(5).
func (c *Cluster) dbdConf() string {
	var b strings.Builder
	set := func(key string, value any) { fmt.Fprintf(&b, "%s=%v\n", key, value) }
	set("AuthType", "auth/munge")
	set("CommunicationParameters", "NoInAddrAny") // loopback alone
	set("AuthInfo", "socket="+c.path("munge/socket"))
	set("DbdHost", "localhost")
	set("DbdAddr", "127.0.0.1")
	set("DbdPort", c.dbdPort())
	set("SlurmUser", "root")
	set("PidFile", c.path("slurmdbd.pid"))
	set("StorageType", "accounting_storage/mysql")
	set("StorageHost", "localhost")
	set("StorageUser", "root")
	set("StorageLoc", "slurm")
	return b.String()
}

// accountingConf are the lines of slurm.conf(5) about accounting.
func (c *Cluster) accountingConf() string {
	if !c.config.accounted() {
		return "AccountingStorageType=accounting_storage/none\n"
	}
	// What is called a password is where munge is.
	conf := fmt.Sprintf("AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\nAccountingStoragePort=%d\nAccountingStoragePass=%s\n",
		c.dbdPort(), c.path("munge/socket"))
	if c.config.SubmitLimit > 0 {
		conf += "AccountingStorageEnforce=limits\n"
	}
	return conf
}

func (c *Cluster) dbdPort() int { return c.ports[len(c.ports)-1] }
