/* SPDX-License-Identifier: Apache-2.0 */
/* check_spec_refuse.c: which config.json is refused, and in which words. */
#include "ck_run.h"
#include "spec_text.h"

#include <errno.h>
#include <stdlib.h>

struct refusal {
	enum part part;
	const char *text, *msg;
};

static void assert_refused(const struct refusal *c)
{
	AUTO_FREE char *whole = config_text(c->part, c->text);
	struct spec *spec = NULL;
	struct err e = { 0 };
	int r = spec_parse(whole, strlen(whole), &spec, &e);

	ck_assert_msg(r < 0, "accepted: %s", whole);
	ck_assert_str_eq(e.msg, c->msg);
	ck_assert_int_eq(r, -e.code);
	ck_assert_ptr_null(spec);
}

#define TIME_NS "'namespaces':[{'type':'mount'},{'type':'time'}],"
#define USER_NS "'namespaces':[{'type':'mount'},{'type':'user'}],"

static const struct refusal top_refused[] = {
	{ RAW, "", "not valid JSON: the text is empty" },
	{ RAW, "[]", "expected an object, got an array" },
	{ RAW, "{'a':1", "line 1, column 7: not valid JSON: premature EOF" },
	{ RAW, "{}", "ociVersion: required, but missing or empty" },
	{ RAW, "{'ociVersion':''}", "ociVersion: required, but missing or empty" },
	{ RAW, "{'ociVersion':null}", "ociVersion: required, but missing or empty" },
	{ RAW, "{'ociVersion':1.0}", "ociVersion: expected a string, got a number" },
	{ RAW, "{'ociVersion':'2.0.0'}", "ociVersion: expected a version 1.x, got '2.0.0'" },
	{ RAW, "{'ociVersion':'10.0.0'}", "ociVersion: expected a version 1.x, got '10.0.0'" },
	{ RAW, "{'ociVersion':'1'}", "ociVersion: expected a version 1.x, got '1'" },
	{ RAW, "{'ociVersion':'1.'}", "ociVersion: expected a version 1.x, got '1.'" },
	{ RAW, "{'ociVersion':'1.\\n2'}", "ociVersion: expected a version 1.x, got '1.?2'" },
	{ RAW, "{'ociVersion':'1.0.0'}", "root: required, but missing" },
	{ RAW, "{'ociVersion':'1.0.0','root':'r'}", "root: expected an object, got a string" },
	{ RAW, "{'ociVersion':'1.0.0','root':{}}", "root.path: required, but missing or empty" },
	{ RAW, "{'ociVersion':'1.0.0','root':{'path':'r','readonly':1}}",
	  "root.readonly: expected true or false, got a number" },
	{ RAW, "{'ociVersion':'1.0.0','root':{'path':'r'}}", "linux.namespaces: a 'mount' namespace is required" },
	{ TOP, "'process':[]", "process: expected an object, got an array" },
	{ TOP, "'hostname':7", "hostname: expected a string, got a number" },
	{ TOP, "'hostname':'h'", "hostname: a 'uts' namespace is required" },
	{ TOP, "'domainname':'h'", "domainname: a 'uts' namespace is required" },
	{ TOP, "'mounts':{}", "mounts: expected an array, got an object" },
	{ TOP, "'mounts':[7]", "mounts[0]: expected an object, got a number" },
	{ TOP, "'mounts':[{'destination':'/a'},null]", "mounts[1]: expected an object, got null" },
	{ TOP, "'mounts':[{'type':'proc'}]", "mounts[0].destination: required, but missing or empty" },
	{ TOP, "'mounts':[{'destination':'/a','options':'ro'}]", "mounts[0].options: expected an array, got a string" },
	{ TOP, "'mounts':[{'destination':'/a','options':['ro',1]}]",
	  "mounts[0].options[1]: expected a string, got a number" },
	{ TOP, "'mounts':[{'destination':'/a','type':1}]", "mounts[0].type: expected a string, got a number" },
	{ TOP, "'mounts':[{'destination':'/a','source':false}]",
	  "mounts[0].source: expected a string, got true or false" },
	{ TOP, "'mounts':[{'destination':'/a','uidMappings':" MAP_ROOT "}]",
	  "mounts[0].gidMappings: required, as there is uidMappings" },
	{ TOP, "'mounts':[{'destination':'/a','gidMappings':" MAP_ROOT "}]",
	  "mounts[0].uidMappings: required, as there is gidMappings" },
	{ TOP, "'mounts':[{'destination':'/a'},{'destination':'/a','gidMappings':" MAP_ROOT ",'uidMappings':{}}]",
	  "mounts[1].uidMappings: expected an array, got an object" },
	{ TOP, "'mounts':[{'destination':'/a','gidMappings':" MAP_ROOT ",'uidMappings':[{'hostID':0}]}]",
	  "mounts[0].uidMappings[0].size: required, but missing" },
	{ TOP,
	  "'mounts':[{'destination':'/a','uidMappings':" MAP_ROOT
	  ",'gidMappings':[{'containerID':0,'hostID':0,'size':0}]}]",
	  "mounts[0].gidMappings[0].size: expected a number above 0" },
	{ TOP,
	  "'mounts':[{'destination':'/a','gidMappings':" MAP_ROOT
	  ",'uidMappings':[{'containerID':0,'hostID':0,'size':9},{'containerID':8,'hostID':9,'size':1}]}]",
	  "mounts[0].uidMappings[1]: container ids overlap with those of entry 0" },
	{ TOP, "'hooks':[]", "hooks: expected an object, got an array" },
	{ TOP, "'hooks':{'prestart':{}}", "hooks.prestart: expected an array, got an object" },
	{ TOP, "'hooks':{'createRuntime':[{}]}", "hooks.createRuntime[0].path: required, but missing or empty" },
	{ TOP, "'hooks':{'createContainer':[{'path':'h'}]}",
	  "hooks.createContainer[0].path: expected an absolute path, got 'h'" },
	{ TOP, "'hooks':{'startContainer':[{'path':'/h','args':'a'}]}",
	  "hooks.startContainer[0].args: expected an array, got a string" },
	{ TOP, "'hooks':{'poststart':[{'path':'/h','env':[1]}]}",
	  "hooks.poststart[0].env[0]: expected a string, got a number" },
	{ TOP, "'hooks':{'poststop':[{'path':'/h','timeout':0}]}",
	  "hooks.poststop[0].timeout: expected a number from 1 to 2147483647, got 0" },
	{ TOP, "'hooks':{'poststop':[{'path':'/h','timeout':-1}]}",
	  "hooks.poststop[0].timeout: expected a number from 1 to 2147483647, got -1" },
	{ TOP, "'hooks':{'poststop':[{'path':'/h','timeout':1.5}]}",
	  "hooks.poststop[0].timeout: expected an integer, got 1.5" },
	{ TOP, "'annotations':{'a.b':1}", "annotations[\"a.b\"]: expected a string, got a number" },
	{ TOP, "'annotations':[]", "annotations: expected an object, got an array" },
	{ TOP, "'vm':false", "vm: expected an object, got true or false" },
	{ TOP, "'linux':{}", "line 1, column 93: the key 'linux' is there twice" },
};

static const struct refusal process_refused[] = {
	{ PROC, "", "process.args: required, but missing or empty" },
	{ PROC, "'args':[],'cwd':'/'", "process.args: required, but missing or empty" },
	{ PROC, "'args':'sh','cwd':'/'", "process.args: expected an array, got a string" },
	{ PROC, "'args':['sh',7],'cwd':'/'", "process.args[1]: expected a string, got a number" },
	{ PROC, "'args':['sh',null],'cwd':'/'", "process.args[1]: expected a string, got null" },
	{ PROC, "'args':['','a'],'cwd':'/'", "process.args[0]: the name of the program is empty" },
	{ PROC, "'args':['a']", "process.cwd: required, but missing or empty" },
	{ PROC, "'args':['a'],'cwd':''", "process.cwd: required, but missing or empty" },
	{ PROC, "'args':['a'],'cwd':'tmp'", "process.cwd: expected an absolute path, got 'tmp'" },
	{ PROCESS, "'terminal':'yes'", "process.terminal: expected true or false, got a string" },
	{ PROCESS, "'consoleSize':[80,25]", "process.consoleSize: expected an object, got an array" },
	{ PROCESS, "'consoleSize':{'width':65536,'height':1}",
	  "process.consoleSize.width: expected a number from 0 to 65535, got 65536" },
	{ PROCESS, "'consoleSize':{'width':1,'height':-1}",
	  "process.consoleSize.height: expected a number from 0 to 65535, got -1" },
	{ PROCESS, "'user':0", "process.user: expected an object, got a number" },
	{ PROCESS, "'user':{'uid':'root'}", "process.user.uid: expected a number, got a string" },
	{ PROCESS, "'user':{'uid':-1}", "process.user.uid: expected a number from 0 to 4294967294, got -1" },
	{ PROCESS, "'user':{'uid':4294967295}",
	  "process.user.uid: expected a number from 0 to 4294967294, got 4294967295" },
	{ PROCESS, "'user':{'gid':4294967296}",
	  "process.user.gid: expected a number from 0 to 4294967294, got 4294967296" },
	{ PROCESS, "'user':{'umask':512}", "process.user.umask: expected a number from 0 to 511, got 512" },
	{ PROCESS, "'user':{'additionalGids':[1,4294967295]}",
	  "process.user.additionalGids[1]: expected a number from 0 to 4294967294, got 4294967295" },
	{ PROCESS, "'user':{'additionalGids':{}}", "process.user.additionalGids: expected an array, got an object" },
	{ PROCESS, "'env':['A']", "process.env[0]: expected NAME=value, got 'A'" },
	{ PROCESS, "'env':['A=','=b']", "process.env[1]: expected NAME=value, got '=b'" },
	{ PROCESS, "'env':{'A':'b'}", "process.env: expected an array, got an object" },
	{ PROCESS, "'capabilities':['CAP_KILL']", "process.capabilities: expected an object, got an array" },
	{ PROCESS, "'capabilities':{'bounding':'CAP_KILL'}",
	  "process.capabilities.bounding: expected an array, got a string" },
	{ PROCESS, "'capabilities':{'ambient':[1]}",
	  "process.capabilities.ambient[0]: expected a string, got a number" },
	{ PROCESS, "'rlimits':{}", "process.rlimits: expected an array, got an object" },
	{ PROCESS, "'rlimits':[{'soft':1,'hard':1}]", "process.rlimits[0].type: required, but missing or empty" },
	{ PROCESS, "'rlimits':[{'type':'RLIMIT_CORE','hard':1}]", "process.rlimits[0].soft: required, but missing" },
	{ PROCESS, "'rlimits':[{'type':'RLIMIT_CORE','soft':1}]", "process.rlimits[0].hard: required, but missing" },
	{ PROCESS, "'rlimits':[{'type':'RLIMIT_CORE','soft':-1,'hard':1}]",
	  "process.rlimits[0].soft: expected a number from 0 to 18446744073709551615, got -1" },
	{ PROCESS, "'rlimits':[{'type':'RLIMIT_CORE','soft':2,'hard':1}]",
	  "process.rlimits[0]: the soft limit 2 of RLIMIT_CORE is above the hard limit 1" },
	{ PROCESS, "'rlimits':[{'type':'RLIMIT_CORE','soft':1,'hard':1},{'type':'RLIMIT_CORE','soft':2,'hard':2}]",
	  "process.rlimits[1].type: 'RLIMIT_CORE' is there twice" },
	{ PROCESS, "'noNewPrivileges':0", "process.noNewPrivileges: expected true or false, got a number" },
	{ PROCESS, "'oomScoreAdj':-1001", "process.oomScoreAdj: expected a number from -1000 to 1000, got -1001" },
	{ PROCESS, "'oomScoreAdj':1001", "process.oomScoreAdj: expected a number from -1000 to 1000, got 1001" },
	{ PROCESS, "'apparmorProfile':1", "process.apparmorProfile: expected a string, got a number" },
	{ PROCESS, "'selinuxLabel':[]", "process.selinuxLabel: expected a string, got an array" },
	{ PROCESS, "'scheduler':'SCHED_IDLE'", "process.scheduler: expected an object, got a string" },
	{ PROCESS, "'scheduler':{}", "process.scheduler.policy: required, but missing or empty" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_OTHER','nice':20}",
	  "process.scheduler.nice: expected a number from -20 to 19, got 20" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_OTHER','nice':-21}",
	  "process.scheduler.nice: expected a number from -20 to 19, got -21" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_RR','priority':100}",
	  "process.scheduler.priority: expected a number from 0 to 99, got 100" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_RR','priority':-1}",
	  "process.scheduler.priority: expected a number from 0 to 99, got -1" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_OTHER','flags':'SCHED_FLAG_RECLAIM'}",
	  "process.scheduler.flags: expected an array, got a string" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_DEADLINE','runtime':1.5}",
	  "process.scheduler.runtime: expected an integer, got 1.5" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_DEADLINE','deadline':'1'}",
	  "process.scheduler.deadline: expected a number, got a string" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_DEADLINE','period':18446744073709551616}",
	  "process.scheduler.period: expected a number from 0 to 18446744073709551615, got 18446744073709551616" },
	{ PROCESS, "'ioPriority':{'priority':1}", "process.ioPriority.class: required, but missing or empty" },
	{ PROCESS, "'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}",
	  "process.ioPriority.priority: expected a number from 0 to 7, got 8" },
	{ PROCESS, "'execCPUAffinity':[]", "process.execCPUAffinity: expected an object, got an array" },
	{ PROCESS, "'execCPUAffinity':{'initial':0}",
	  "process.execCPUAffinity.initial: expected a string, got a number" },
	{ PROCESS, "'execCPUAffinity':{'final':[0]}",
	  "process.execCPUAffinity.final: expected a string, got an array" },
};

static const struct refusal linux_refused[] = {
	{ TOP, "'windows':{},'linux2':{},'hostname':'h'", "hostname: a 'uts' namespace is required" },
	{ LIN, "'namespaces':[]", "linux.namespaces: a 'mount' namespace is required" },
	{ LIN, "'namespaces':[{'type':'pid'}]", "linux.namespaces: a 'mount' namespace is required" },
	{ LIN, "'namespaces':{}", "linux.namespaces: expected an array, got an object" },
	{ LIN, "'namespaces':['mount']", "linux.namespaces[0]: expected an object, got a string" },
	{ LIN, "'namespaces':[{}]", "linux.namespaces[0].type: required, but missing or empty" },
	{ LIN, "'namespaces':[{'type':7}]", "linux.namespaces[0].type: expected a string, got a number" },
	{ LIN, "'namespaces':[{'type':'net'}]",
	  "linux.namespaces[0].type: expected pid, network, mount, ipc, uts, user, cgroup or time, got 'net'" },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'pid'},{'type':'network','path':7}]",
	  "linux.namespaces[2].path: expected a string, got a number" },
	{ LIN, "'namespaces':[{'type':'network','path':'proc/1/ns/net'}]",
	  "linux.namespaces[0].path: expected an absolute path, got 'proc/1/ns/net'" },
	{ LIN, "'namespaces':[{'type':'mount','path':'/proc/1/ns/mnt'}]",
	  "linux.namespaces[0].path: an existing mount namespace cannot be joined" },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'pid'},{'type':'pid','path':'/p'}]",
	  "linux.namespaces[2]: the namespace 'pid' is there twice" },
	{ LINUX, "'devices':[{'type':'c','major':1,'minor':3}]",
	  "linux.devices[0].path: required, but missing or empty" },
	{ LINUX, "'devices':[{'path':'null','type':'c','major':1,'minor':3}]",
	  "linux.devices[0].path: expected an absolute path, got 'null'" },
	{ LINUX, "'devices':[{'path':'/dev/x'}]", "linux.devices[0].type: required, but missing or empty" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'x'}]", "linux.devices[0].type: expected c, b, u or p, got 'x'" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'cc'}]",
	  "linux.devices[0].type: expected c, b, u or p, got 'cc'" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'c','minor':1}]",
	  "linux.devices[0].major: required for a character or block device" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'b','major':1}]",
	  "linux.devices[0].minor: required for a character or block device" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'u','major':1}]",
	  "linux.devices[0].minor: required for a character or block device" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'b','major':4096,'minor':0}]",
	  "linux.devices[0].major: expected a number from 0 to 4095, got 4096" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'b','major':1,'minor':-1}]",
	  "linux.devices[0].minor: expected a number from 0 to 1048575, got -1" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'p','fileMode':65536}]",
	  "linux.devices[0].fileMode: expected a number from 0 to 65535, got 65536" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'p','fileMode':'0666'}]",
	  "linux.devices[0].fileMode: expected a number, got a string" },
	{ LINUX, "'devices':[{'path':'/dev/x','type':'p','uid':4294967295}]",
	  "linux.devices[0].uid: expected a number from 0 to 4294967294, got 4294967295" },
	{ LINUX, "'cgroupsPath':7", "linux.cgroupsPath: expected a string, got a number" },
	{ LINUX, "'resources':[]", "linux.resources: expected an object, got an array" },
	{ LINUX, "'resources':{'devices':{}}", "linux.resources.devices: expected an array, got an object" },
	{ LINUX, "'resources':{'devices':[{'allow':'yes'}]}",
	  "linux.resources.devices[0].allow: expected true or false, got a string" },
	{ LINUX, "'resources':{'devices':[{'allow':true,'type':'p'}]}",
	  "linux.resources.devices[0].type: expected a, c or b, got 'p'" },
	{ LINUX, "'resources':{'devices':[{'allow':true,'major':-2}]}",
	  "linux.resources.devices[0].major: expected a number from -1 to 4294967295, got -2" },
	{ LINUX, "'resources':{'devices':[{'allow':true,'minor':-2}]}",
	  "linux.resources.devices[0].minor: expected a number from -1 to 4294967295, got -2" },
	{ LINUX, "'resources':{'devices':[{},{'allow':true,'access':'rx'}]}",
	  "linux.resources.devices[1].access: expected letters of 'rwm', got 'rx'" },
	{ LINUX, "'rootfsPropagation':'rw'",
	  "linux.rootfsPropagation: expected shared, slave, private or unbindable, with or without an r before, "
	  "got 'rw'" },
	{ LINUX, "'maskedPaths':['/a','b']", "linux.maskedPaths[1]: expected an absolute path, got 'b'" },
	{ LINUX, "'maskedPaths':['']", "linux.maskedPaths[0]: expected an absolute path, got ''" },
	{ LINUX, "'readonlyPaths':'/a'", "linux.readonlyPaths: expected an array, got a string" },
	{ LINUX, "'readonlyPaths':['a']", "linux.readonlyPaths[0]: expected an absolute path, got 'a'" },
	{ LINUX, "'personality':{}", "linux.personality.domain: required, but missing or empty" },
	{ LINUX, "'personality':{'domain':'LINUX','flags':['ADDR_NO_RANDOMIZE']}",
	  "linux.personality.flags: unknown flag 'ADDR_NO_RANDOMIZE': the runtime-spec defines none" },
	{ LINUX, "'memoryPolicy':{'nodes':'0'}", "linux.memoryPolicy.mode: required, but missing or empty" },
	{ LINUX, "'memoryPolicy':{'mode':'MPOL_BIND','nodes':0}",
	  "linux.memoryPolicy.nodes: expected a string, got a number" },
	{ LINUX, "'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0','flags':[1]}",
	  "linux.memoryPolicy.flags[0]: expected a string, got a number" },
	{ LINUX, "'intelRdt':{'closID':1}", "linux.intelRdt.closID: expected a string, got a number" },
	{ LINUX, "'intelRdt':{'closID':'..'}",
	  "linux.intelRdt.closID: expected the name of a group, or '/', got '..'" },
	{ LINUX, "'intelRdt':{'closID':'a/b'}",
	  "linux.intelRdt.closID: expected the name of a group, or '/', got 'a/b'" },
	{ LINUX, "'intelRdt':{'closID':'info'}",
	  "linux.intelRdt.closID: 'info' is a directory of resctrl itself, not a group" },
	{ LINUX, "'intelRdt':{'schemata':'L3:0=f'}", "linux.intelRdt.schemata: expected an array, got a string" },
	{ LINUX, "'intelRdt':{'l3CacheSchema':[]}", "linux.intelRdt.l3CacheSchema: expected a string, got an array" },
	{ LINUX, "'intelRdt':{'memBwSchema':'L3:0=f'}",
	  "linux.intelRdt.memBwSchema: expected one line that starts with 'MB:', got 'L3:0=f'" },
	{ LINUX, "'intelRdt':{'memBwSchema':'MB:0=20\\nL3:0=f'}",
	  "linux.intelRdt.memBwSchema: expected one line that starts with 'MB:', got 'MB:0=20?L3:0=f'" },
	{ LINUX, "'intelRdt':{'enableMonitoring':1}",
	  "linux.intelRdt.enableMonitoring: expected true or false, got a number" },
	{ LINUX, "'intelRdt':{'enableCMT':1}", "linux.intelRdt.enableCMT: expected true or false, got a number" },
	{ LINUX, "'intelRdt':{'enableMBM':'x'}", "linux.intelRdt.enableMBM: expected true or false, got a string" },
	{ LINUX, "'timeOffsets':{'boottime':{}}", "linux.timeOffsets: a 'time' namespace is required" },
	{ LIN, "'namespaces':[{'type':'mount'},{'type':'time','path':'/t'}],'timeOffsets':{'boottime':{}}",
	  "linux.timeOffsets: the 'time' namespace must be a new one, without a path" },
	{ LIN, TIME_NS "'timeOffsets':[]", "linux.timeOffsets: expected an object, got an array" },
	{ LIN, TIME_NS "'timeOffsets':{'realtime':{'secs':1}}",
	  "linux.timeOffsets.realtime: no such clock: expected monotonic or boottime" },
	{ LIN, TIME_NS "'timeOffsets':{'boottime':7}", "linux.timeOffsets.boottime: expected an object, got a number" },
	{ LIN, TIME_NS "'timeOffsets':{'monotonic':{},'boottime':{'secs':1.5}}",
	  "linux.timeOffsets.boottime.secs: expected an integer, got 1.5" },
	{ LIN, TIME_NS "'timeOffsets':{'monotonic':{'secs':9223372036854775808}}",
	  "linux.timeOffsets.monotonic.secs: expected a number from -9223372036854775808 to 9223372036854775807, "
	  "got 9223372036854775808" },
	{ LIN, TIME_NS "'timeOffsets':{'monotonic':{'nanosecs':1000000000}}",
	  "linux.timeOffsets.monotonic.nanosecs: expected a number from 0 to 999999999, got 1000000000" },
	{ LIN, TIME_NS "'timeOffsets':{'monotonic':{'nanosecs':-1}}",
	  "linux.timeOffsets.monotonic.nanosecs: expected a number from 0 to 999999999, got -1" },
	{ LINUX, "'mountLabel':{}", "linux.mountLabel: expected a string, got an object" },
};

static const struct refusal map_refused[] = {
	{ LINUX, "'uidMappings':" MAP_ROOT, "linux.uidMappings: a 'user' namespace is required" },
	{ LINUX, "'gidMappings':" MAP_ROOT, "linux.gidMappings: a 'user' namespace is required" },
	{ LIN, USER_NS "'x':1", "linux.uidMappings: required for a new user namespace" },
	{ LIN, USER_NS "'uidMappings':" MAP_ROOT, "linux.gidMappings: required for a new user namespace" },
	{ LIN, USER_NS "'uidMappings':{}", "linux.uidMappings: expected an array, got an object" },
	{ LIN, USER_NS "'uidMappings':[{'containerID':0,'hostID':0}]",
	  "linux.uidMappings[0].size: required, but missing" },
	{ LIN, USER_NS "'uidMappings':[{'containerID':-1,'hostID':0,'size':1}]",
	  "linux.uidMappings[0].containerID: expected a number from 0 to 4294967295, got -1" },
	{ LIN, USER_NS "'uidMappings':[{'containerID':0,'hostID':0,'size':0}],'gidMappings':" MAP_ROOT,
	  "linux.uidMappings[0].size: expected a number above 0" },
	{ LIN, USER_NS "'gidMappings':[{'containerID':1,'hostID':0,'size':4294967295}],'uidMappings':" MAP_ROOT,
	  "linux.gidMappings[0]: the range ends beyond the last id, 4294967294" },
	{ LIN, USER_NS "'gidMappings':[{'containerID':0,'hostID':4294967295,'size':1}],'uidMappings':" MAP_ROOT,
	  "linux.gidMappings[0]: the range ends beyond the last id, 4294967294" },
	{ LIN,
	  USER_NS "'uidMappings':[{'containerID':0,'hostID':0,'size':10},{'containerID':9,'hostID':50,'size':1}],"
		  "'gidMappings':" MAP_ROOT,
	  "linux.uidMappings[1]: container ids overlap with those of entry 0" },
	{ LIN,
	  USER_NS "'gidMappings':[{'containerID':10,'hostID':50,'size':1},{'containerID':0,'hostID':41,'size':10}],"
		  "'uidMappings':" MAP_ROOT,
	  "linux.gidMappings[1]: host ids overlap with those of entry 0" },
	{ LIN, USER_NS "'uidMappings':[{'containerID':1,'hostID':0,'size':9}],'gidMappings':" MAP_ROOT,
	  "process.user.uid: 0 is not mapped by linux.uidMappings" },
	{ LIN, USER_NS "'gidMappings':[{'containerID':1,'hostID':0,'size':9}],'uidMappings':" MAP_ROOT,
	  "process.user.gid: 0 is not mapped by linux.gidMappings" },
};

#define NO_HOST ": belongs to no namespace, so it would change the host"

static const struct refusal sysctl_refused[] = {
	{ SPACES, "'sysctl':[]", "linux.sysctl: expected an object, got an array" },
	{ SPACES, "'sysctl':{'net.a':1}", "linux.sysctl[\"net.a\"]: expected a string, got a number" },
	{ LINUX, "'sysctl':{'net.ipv4.ip_forward':'1'}",
	  "linux.sysctl[\"net.ipv4.ip_forward\"]: a 'network' namespace is required" },
	{ LINUX, "'sysctl':{'net/ipv4/ip_forward':'1'}",
	  "linux.sysctl[\"net/ipv4/ip_forward\"]: a 'network' namespace is required" },
	{ LINUX, "'sysctl':{'kernel.shmmax':'1'}", "linux.sysctl[\"kernel.shmmax\"]: a 'ipc' namespace is required" },
	{ LINUX, "'sysctl':{'fs.mqueue.msg_max':'1'}",
	  "linux.sysctl[\"fs.mqueue.msg_max\"]: a 'ipc' namespace is required" },
	{ LINUX, "'sysctl':{'kernel.domainname':'d'}",
	  "linux.sysctl[\"kernel.domainname\"]: a 'uts' namespace is required" },
	{ SPACES, "'sysctl':{'kernel.hostname':'d'}",
	  "linux.sysctl[\"kernel.hostname\"]: not accepted: use 'hostname'" },
	{ SPACES, "'sysctl':{'kernel/hostname':'d'}",
	  "linux.sysctl[\"kernel/hostname\"]: not accepted: use 'hostname'" },
	{ SPACES, "'sysctl':{'vm.swappiness':'1'}", "linux.sysctl[\"vm.swappiness\"]" NO_HOST },
	{ SPACES, "'sysctl':{'kernel.core_pattern':'x'}", "linux.sysctl[\"kernel.core_pattern\"]" NO_HOST },
	{ SPACES, "'sysctl':{'kernel.shmmaxx':'x'}", "linux.sysctl[\"kernel.shmmaxx\"]" NO_HOST },
	{ SPACES, "'sysctl':{'kernel':'x'}", "linux.sysctl[\"kernel\"]" NO_HOST },
	{ SPACES, "'sysctl':{'net':'x'}", "linux.sysctl[\"net\"]" NO_HOST },
	{ SPACES, "'sysctl':{'network.x':'x'}", "linux.sysctl[\"network.x\"]" NO_HOST },
	{ SPACES, "'sysctl':{'fs.mqueue/x':'x'}", "linux.sysctl[\"fs.mqueue/x\"]" NO_HOST },
	{ SPACES, "'sysctl':{'':'x'}", "linux.sysctl[\"\"]: not the name of a sysctl" },
	{ SPACES, "'sysctl':{'/net/x':'x'}", "linux.sysctl[\"/net/x\"]: not the name of a sysctl" },
	{ SPACES, "'sysctl':{'net..x':'x'}", "linux.sysctl[\"net..x\"]: not the name of a sysctl" },
	{ SPACES, "'sysctl':{'net.x.':'x'}", "linux.sysctl[\"net.x.\"]: not the name of a sysctl" },
	{ SPACES, "'sysctl':{'net/../kernel/core_pattern':'x'}",
	  "linux.sysctl[\"net/../kernel/core_pattern\"]: not the name of a sysctl" },
	{ SPACES, "'sysctl':{'net.//.kernel.core_pattern':'x'}",
	  "linux.sysctl[\"net.//.kernel.core_pattern\"]: not the name of a sysctl" },
	{ SPACES, "'sysctl':{'net/./x':'x'}", "linux.sysctl[\"net/./x\"]: not the name of a sysctl" },
	{ SPACES, "'sysctl':{'net/x/..':'x'}", "linux.sysctl[\"net/x/..\"]: not the name of a sysctl" },
};

#define IFNAME "1 to 15 bytes without '/', ':', '%' or blanks, and not '.' or '..'"
#define NO_IFNAME ": not the name of a network interface: expected " IFNAME
#define NO_NEW_NAME ": expected " IFNAME ", or such a name with %d at its end, got "

static const struct refusal netdev_refused[] = {
	{ SPACES, "'netDevices':[]", "linux.netDevices: expected an object, got an array" },
	{ SPACES, "'netDevices':{'eth0':'x'}", "linux.netDevices.eth0: expected an object, got a string" },
	{ SPACES, "'netDevices':{'eth0':null}", "linux.netDevices.eth0: expected an object, got null" },
	{ SPACES, "'netDevices':{'eth0':{'name':7}}", "linux.netDevices.eth0.name: expected a string, got a number" },
	{ SPACES, "'netDevices':{'':{}}", "linux.netDevices[\"\"]" NO_IFNAME },
	{ SPACES, "'netDevices':{'1234567890123456':{}}", "linux.netDevices.1234567890123456" NO_IFNAME },
	{ SPACES, "'netDevices':{'a/b':{}}", "linux.netDevices[\"a/b\"]" NO_IFNAME },
	{ SPACES, "'netDevices':{'eth%d':{}}", "linux.netDevices[\"eth%d\"]" NO_IFNAME },
	{ SPACES, "'netDevices':{'eth0':{'name':'..'}}", "linux.netDevices.eth0.name" NO_NEW_NAME "'..'" },
	{ SPACES, "'netDevices':{'eth0':{'name':'e:1'}}", "linux.netDevices.eth0.name" NO_NEW_NAME "'e:1'" },
	{ SPACES, "'netDevices':{'eth0':{'name':'%d'}}", "linux.netDevices.eth0.name" NO_NEW_NAME "'%d'" },
	{ SPACES, "'netDevices':{'eth0':{'name':'e%s'}}", "linux.netDevices.eth0.name" NO_NEW_NAME "'e%s'" },
	{ SPACES, "'netDevices':{'eth0':{'name':'x'},'eth1':{'name':'x'}}",
	  "linux.netDevices.eth1: the name 'x' is taken by 'eth0'" },
	{ SPACES, "'netDevices':{'eth0':{'name':'eth1'},'eth1':{}}",
	  "linux.netDevices.eth1: the name 'eth1' is taken by 'eth0'" },
	{ LINUX, "'netDevices':{'eth0':{}}", "linux.netDevices: a 'network' namespace is required" },
};

#define SECCOMP(rest) "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'," rest "}"
#define RULE(rest) SECCOMP("'syscalls':[{" rest "}]")
#define ARG(rest) RULE("'names':['read'],'action':'SCMP_ACT_ALLOW','args':[{" rest "}]")

static const struct refusal seccomp_refused[] = {
	{ LINUX, "'seccomp':[]", "linux.seccomp: expected an object, got an array" },
	{ LINUX, "'seccomp':{'defaultAction':1}", "linux.seccomp.defaultAction: expected a string, got a number" },
	{ LINUX, "'seccomp':{'syscalls':[{}]}", "linux.seccomp.defaultAction: required, but missing or empty" },
	{ LINUX, "'seccomp':{'syscalls':{}}", "linux.seccomp.syscalls: expected an array, got an object" },
	{ LINUX, SECCOMP("'defaultErrnoRet':4096"),
	  "linux.seccomp.defaultErrnoRet: expected a number from 0 to 4095, got 4096" },
	{ LINUX, SECCOMP("'architectures':'x'"), "linux.seccomp.architectures: expected an array, got a string" },
	{ LINUX, SECCOMP("'flags':[7]"), "linux.seccomp.flags[0]: expected a string, got a number" },
	{ LINUX,
	  SECCOMP("'syscalls':[{'names':['read'],'action':'SCMP_ACT_LOG'},{'names':['umask'],'action':'SCMP_ACT_NOTIFY'"
		  "}]"),
	  "linux.seccomp.listenerPath: required, as linux.seccomp.syscalls[1].action is SCMP_ACT_NOTIFY" },
	{ LINUX,
	  SECCOMP("'listenerPath':'','listenerMetadata':'m','syscalls':[{'names':['umask'],'action':'SCMP_ACT_NOTIFY'}"
		  "]"),
	  "linux.seccomp.listenerPath: required, as linux.seccomp.syscalls[0].action is SCMP_ACT_NOTIFY" },
	{ LINUX, SECCOMP("'listenerPath':'s','syscalls':[{'names':['umask'],'action':'SCMP_ACT_NOTIFY'}]"),
	  "linux.seccomp.listenerPath: expected an absolute path, got 's'" },
	{ LINUX, SECCOMP("'listenerPath':1"), "linux.seccomp.listenerPath: expected a string, got a number" },
	{ LINUX, SECCOMP("'listenerMetadata':[]"), "linux.seccomp.listenerMetadata: expected a string, got an array" },
	{ LINUX, RULE(""), "linux.seccomp.syscalls[0].names: required, but missing or empty" },
	{ LINUX, RULE("'names':[],'action':'A'"), "linux.seccomp.syscalls[0].names: required, but missing or empty" },
	{ LINUX, RULE("'names':['a',1],'action':'A'"),
	  "linux.seccomp.syscalls[0].names[1]: expected a string, got a number" },
	{ LINUX, RULE("'names':['read']"), "linux.seccomp.syscalls[0].action: required, but missing or empty" },
	{ LINUX, RULE("'names':['read'],'action':'A','errnoRet':-1"),
	  "linux.seccomp.syscalls[0].errnoRet: expected a number from 0 to 4095, got -1" },
	{ LINUX, RULE("'names':['read'],'action':'A','args':{}"),
	  "linux.seccomp.syscalls[0].args: expected an array, got an object" },
	{ LINUX, ARG("'index':6,'value':1,'op':'SCMP_CMP_EQ'"),
	  "linux.seccomp.syscalls[0].args[0].index: expected a number from 0 to 5, got 6" },
	{ LINUX, ARG("'index':0,'value':1"), "linux.seccomp.syscalls[0].args[0].op: required, but missing or empty" },
	{ LINUX, ARG("'index':0,'value':-1,'op':'SCMP_CMP_EQ'"),
	  "linux.seccomp.syscalls[0].args[0].value: expected a number from 0 to 18446744073709551615, got -1" },
};

#define REFUSAL_TEST(table)                      \
	START_TEST(test_##table##_with_its_path) \
	{                                        \
		assert_refused(&table[_i]);      \
	}                                        \
	END_TEST
REFUSAL_TEST(top_refused)
REFUSAL_TEST(process_refused)
REFUSAL_TEST(linux_refused)
REFUSAL_TEST(map_refused)
REFUSAL_TEST(sysctl_refused)
REFUSAL_TEST(netdev_refused)
REFUSAL_TEST(seccomp_refused)

START_TEST(test_the_number_of_net_devices_has_a_limit)
{
	struct strbuf b = { 0 };
	struct refusal c = { SPACES, NULL, "linux.netDevices: more than 256 network interfaces" };

	for (int i = 0; i < 257; i++)
		strbuf_printf(&b, "%s'e%d':{}", i ? "," : "'netDevices':{", i);
	strbuf_puts(&b, "}");
	c.text = b.s;
	assert_refused(&c);
	free(b.s);
}
END_TEST

START_TEST(test_the_first_of_several_mistakes_is_named)
{
	struct refusal c = { LINUX, "'devices':[{'path':'x','type':7}],'rootfsPropagation':7",
			     "linux.devices[0].path: expected an absolute path, got 'x'" };

	assert_refused(&c);
}
END_TEST

START_TEST(test_unsupported_keys_have_their_own_code)
{
	AUTO_FREE char *text = config_text(TOP, "'windows':{'servicing':true}");
	struct spec *spec = NULL;
	struct err e = { 0 };

	ck_assert_int_eq(spec_parse(text, strlen(text), &spec, &e), -ENOTSUP);
	ck_assert_int_eq(e.code, ENOTSUP);
	ck_assert_int_eq(spec_parse(text, strlen(text), &spec, NULL), -ENOTSUP);
}
END_TEST

static char *repeat(const char *before, const char *item, size_t n, const char *after)
{
	struct strbuf b = { 0 };
	size_t i;

	strbuf_puts(&b, before);
	for (i = 0; i < n; i++)
		strbuf_printf(&b, "%s%s", i ? "," : "", item);
	strbuf_puts(&b, after);
	return b.s;
}

/* Also: what is compared pairwise must not be long. */
START_TEST(test_long_lists_are_refused)
{
	AUTO_FREE char *rlimits = repeat("'rlimits':[", "{'type':'RLIMIT_CORE','soft':1,'hard':1}", 60000, "]");
	AUTO_FREE char *maps = repeat(USER_NS "'gidMappings':" MAP_ROOT ",'uidMappings':[",
				      "{'containerID':0,'hostID':1,'size':1}", 60000, "]");
	AUTO_FREE char *groups = repeat("'user':{'additionalGids':[", "1", 65537, "]}");
	struct refusal cases[] = {
		{ PROCESS, rlimits, "process.rlimits: more than 32 entries" },
		{ LIN, maps, "linux.uidMappings: 60000 entries, but Linux takes at most 340" },
		{ PROCESS, groups, "process.user.additionalGids: 65537 groups, but Linux takes at most 65536" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_refused(&cases[i]);
}
END_TEST

START_TEST(test_long_names_are_refused)
{
	struct spec *spec = parse_ok(SPACES, "'x':1");
	char name[66];
	struct err e = { 0 };

	memset(name, 'h', sizeof(name));
	name[64] = '\0';
	spec->hostname = name;
	ck_assert_int_eq(spec_check(spec, &e), 0);
	name[64] = 'h';
	name[65] = '\0';
	ck_assert_int_eq(spec_check(spec, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "hostname: longer than 64 bytes");
	spec->hostname = NULL;
	spec->domainname = name;
	ck_assert_int_eq(spec_check(spec, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "domainname: longer than 64 bytes");
	spec_free(spec);
}
END_TEST

static TCase *refusal_cases(void)
{
	TCase *t = tcase_create("refusals");

	tcase_add_loop_test(t, test_top_refused_with_its_path, 0, ARRAY_LEN(top_refused));
	tcase_add_loop_test(t, test_process_refused_with_its_path, 0, ARRAY_LEN(process_refused));
	tcase_add_loop_test(t, test_linux_refused_with_its_path, 0, ARRAY_LEN(linux_refused));
	tcase_add_loop_test(t, test_map_refused_with_its_path, 0, ARRAY_LEN(map_refused));
	tcase_add_loop_test(t, test_sysctl_refused_with_its_path, 0, ARRAY_LEN(sysctl_refused));
	tcase_add_loop_test(t, test_netdev_refused_with_its_path, 0, ARRAY_LEN(netdev_refused));
	tcase_add_loop_test(t, test_seccomp_refused_with_its_path, 0, ARRAY_LEN(seccomp_refused));
	tcase_add_test(t, test_the_first_of_several_mistakes_is_named);
	tcase_add_test(t, test_unsupported_keys_have_their_own_code);
	tcase_add_test(t, test_long_lists_are_refused);
	tcase_add_test(t, test_the_number_of_net_devices_has_a_limit);
	tcase_add_test(t, test_long_names_are_refused);
	return t;
}

int main(void)
{
	Suite *suite = suite_create("spec_refuse");

	suite_add_tcase(suite, refusal_cases());
	return ck_run(suite);
}
