//! Maps of the network: devices, CPUs, sockets. Each test has a network of its own.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use oxbpf::{
    CpuMap, DevMap, DevMapHash, ElemFlags, Errno, Kernel, MapType, ReuseportSockArray, SockHash, SockMap,
    XskMap,
};
use oxbpf_testing::net::{Veth, in_own_netns};
use oxbpf_testing::{Need, Skip, Suite, TestResult};
use rustix::net::sockopt;

use super::{kinds, make, refused};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(5, 9)];
    let mut own = |name: &str, test: fn() -> TestResult| {
        suite.test(name, &needs, move || in_own_netns(test)?);
    };
    own("network::devmap", devmap);
    own("network::devmap_hash", devmap_hash);
    own("network::cpumap", cpumap);
    own("network::xskmap", xskmap);
    own("network::sockmap", sockmap);
    own("network::sockhash", sockhash);
    own("network::reuseport", reuseport);
}

/// The loopback interface of the test's own network.
const LOOPBACK: u32 = 1;
const PAST: &str = "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): the index is beyond its end, it has 4 \
                    elements";
const INVALID: &str = "map m: BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): a flag, key or value that a map of this kind does not take";

fn devmap() -> TestResult {
    let object = kinds(&[], &["behind_device", "on_cpu"])?;
    let program = object.program("behind_device")?;
    let map = DevMap::new(&make(MapType::DEVMAP, 4, 8, 4)?)?;
    map.set(0, LOOPBACK, None)?;
    map.set(3, LOOPBACK, Some(program))?;
    let there = map.get(0)?.ok_or("it is there")?;
    assert_eq!((there.ifindex, there.program_id), (LOOPBACK, None));
    let id = program.info()?.id;
    let all = map
        .iter()
        .map(|e| e.map(|(i, v)| (i, v.ifindex, v.program_id)))
        .collect::<oxbpf::Result<Vec<_>>>()?;
    assert_eq!(all, [(0, LOOPBACK, None), (3, LOOPBACK, Some(id))]);
    refused(map.set(4, LOOPBACK, None), Errno::E2BIG, PAST);
    refused(map.set(1, 9999, None), Errno::EINVAL, INVALID);
    refused(map.set(1, LOOPBACK, Some(object.program("on_cpu")?)), Errno::EINVAL, INVALID);
    map.clear(0)?;
    assert_eq!((map.get(0)?, map.get(4)?), (None, None));
    assert_eq!(map.clear(4).expect_err("past the end").errno(), Some(Errno::EINVAL));

    let narrow = DevMap::new(&make(MapType::DEVMAP, 4, 4, 4)?)?;
    narrow.set(0, LOOPBACK, None)?;
    assert_eq!(narrow.get(0)?.map(|v| v.ifindex), Some(LOOPBACK));
    let error = narrow.set(0, LOOPBACK, Some(program)).expect_err("no room").to_string();
    assert_eq!(error, "map m: its values have 4 bytes, no room for a program: make it with 8");
    Ok(())
}

fn devmap_hash() -> TestResult {
    let Ok(veth) = Veth::create() else { return Err(Skip::because("needs veth interfaces").into()) };
    let map = DevMapHash::new(&make(MapType::DEVMAP_HASH, 4, 8, 2)?)?;
    map.insert(veth.far, veth.far, None)?;
    map.update(70_000, veth.near, None, ElemFlags::NOEXIST)?;
    let mut all = map.iter().map(|e| e.map(|(k, v)| (k, v.ifindex))).collect::<oxbpf::Result<Vec<_>>>()?;
    all.sort_unstable();
    assert_eq!(all, [(veth.far, veth.far), (70_000, veth.near)]);
    refused(
        map.insert(90_000, LOOPBACK, None),
        Errno::E2BIG,
        "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): it is full, max_entries is 2",
    );
    refused(
        map.update(70_000, LOOPBACK, None, ElemFlags::NOEXIST),
        Errno::EEXIST,
        "map m: BPF_MAP_UPDATE_ELEM failed: EEXIST (File exists): the key is there already",
    );
    refused(map.insert(70_000, 9999, None), Errno::EINVAL, INVALID);
    assert_eq!(map.get(70_000)?.map(|v| v.ifindex), Some(veth.near));
    assert!(map.remove(70_000)? && !map.remove(70_000)?);
    assert_eq!(map.get(70_000)?, None);
    Ok(())
}

fn cpumap() -> TestResult {
    let object = kinds(&[], &["on_cpu"])?;
    let cpus = Kernel::host().possible_cpus()?;
    let map = CpuMap::new(&make(MapType::CPUMAP, 4, 8, cpus)?)?;
    map.set(0, 192, None)?;
    assert_eq!(map.get(0)?.map(|v| (v.queue_size, v.program_id)), Some((192, None)));
    let program = object.program("on_cpu")?;
    map.set(0, 64, Some(program))?;
    let all = map
        .iter()
        .map(|e| e.map(|(i, v)| (i, v.queue_size, v.program_id)))
        .collect::<oxbpf::Result<Vec<_>>>()?;
    assert_eq!(all, [(0, 64, Some(program.info()?.id))]);
    let error = map.set(cpus, 1, None).expect_err("past the end");
    assert_eq!(error.errno(), Some(Errno::E2BIG), "{error}");
    let error = map.set(0, 16_385, None).expect_err("too long a queue");
    assert_eq!(error.errno(), Some(Errno::EOVERFLOW), "{error}");
    map.clear(0)?;
    assert_eq!(map.get(0)?, None);
    Ok(())
}

fn xskmap() -> TestResult {
    let map = make(MapType::XSKMAP, 4, 4, 4)?;
    let sockets = XskMap::new(&map)?;
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    refused(
        sockets.set(0, &udp),
        Errno::EOPNOTSUPP,
        "map m: BPF_MAP_UPDATE_ELEM failed: EOPNOTSUPP (Operation not supported): it takes no sockets of this kind or \
         in this state",
    );
    refused(sockets.set(4, &udp), Errno::E2BIG, PAST);
    let error = sockets.set(0, std::fs::File::open("/dev/null")?).expect_err("no socket");
    assert_eq!(error.errno(), Some(Errno::ENOTSOCK), "{error}");
    sockets.clear(0)?;
    let error = sockets.clear(4).expect_err("past the end");
    assert_eq!(error.errno(), Some(Errno::EINVAL), "{error}");
    let error = map.lookup(&[0; 4]).expect_err("it cannot be read");
    assert!(matches!(error.errno(), Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP)), "{error}");
    Ok(())
}

/// Two ends of a connection.
fn connection() -> std::io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    Ok((near, listener.accept()?.0))
}

fn cookie(socket: BorrowedFd<'_>) -> rustix::io::Result<u64> {
    sockopt::socket_cookie(socket)
}

fn sockmap() -> TestResult {
    let map = SockMap::new(&make(MapType::SOCKMAP, 4, 8, 4)?)?;
    let (a, b) = connection()?;
    map.set(0, &a)?;
    map.update(3, &b, ElemFlags::NOEXIST)?;
    assert_eq!((map.cookie(0)?, map.cookie(1)?), (Some(cookie(a.as_fd())?), None));
    refused(
        map.update(0, &b, ElemFlags::NOEXIST),
        Errno::EEXIST,
        "map m: BPF_MAP_UPDATE_ELEM failed: EEXIST (File exists): there is a socket already",
    );
    refused(
        map.update(1, &b, ElemFlags::EXIST),
        Errno::ENOENT,
        "map m: BPF_MAP_UPDATE_ELEM failed: ENOENT (No such file or directory): no such key",
    );
    refused(map.set(4, &a), Errno::E2BIG, PAST);
    let error = map.set(1, std::fs::File::open("/dev/null")?).expect_err("no socket");
    assert_eq!(error.errno(), Some(Errno::ENOTSOCK), "{error}");
    let idle = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None)?;
    let error = map.set(1, &idle).expect_err("not connected");
    assert_eq!(error.errno(), Some(Errno::EOPNOTSUPP), "{error}");
    // A socket that is closed is gone from the map.
    drop(b);
    assert!(oxbpf_testing::wait_until(std::time::Duration::from_secs(5), || map
        .cookie(3)
        .is_ok_and(|c| c.is_none())));
    assert!(map.clear(0)?);
    assert_eq!(map.cookie(0)?, None);

    let narrow = SockMap::new(&make(MapType::SOCKMAP, 4, 4, 4)?)?;
    let (a, _b) = connection()?;
    narrow.set(0, &a)?;
    refused(
        narrow.cookie(0),
        Errno::ENOSPC,
        "map m: BPF_MAP_LOOKUP_ELEM failed: ENOSPC (No space left on device): its values have 4 bytes, no room for the \
         cookies of sockets: make it with 8",
    );
    Ok(())
}

fn sockhash() -> TestResult {
    let map = SockHash::<[u8; 6]>::new(&make(MapType::SOCKHASH, 6, 8, 1)?)?;
    let (a, b) = connection()?;
    map.insert(b"client", &a)?;
    assert_eq!((map.cookie(b"client")?, map.cookie(b"server")?), (Some(cookie(a.as_fd())?), None));
    refused(
        map.insert(b"server", &b),
        Errno::E2BIG,
        "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): it is full, max_entries is 1",
    );
    refused(
        map.update(b"client", &b, ElemFlags::NOEXIST),
        Errno::EEXIST,
        "map m: BPF_MAP_UPDATE_ELEM failed: EEXIST (File exists): there is a socket already",
    );
    let keys = map.map().keys().collect::<oxbpf::Result<Vec<_>>>()?;
    assert_eq!(keys, [b"client".to_vec()]);
    assert!(map.remove(b"client")? && !map.remove(b"client")?);
    Ok(())
}

/// UDP sockets that share a port.
fn sharing(port: u16) -> std::io::Result<OwnedFd> {
    use rustix::net::{AddressFamily, SocketAddrV4, SocketType, bind, socket};
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    bind(&socket, &SocketAddrV4::new([127, 0, 0, 1].into(), port))?;
    Ok(socket)
}

fn reuseport() -> TestResult {
    let map = ReuseportSockArray::new(&make(MapType::REUSEPORT_SOCKARRAY, 4, 8, 4)?)?;
    let (a, b) = (sharing(7777)?, sharing(7777)?);
    map.set(0, &a)?;
    map.update(1, &b, ElemFlags::NOEXIST)?;
    assert_eq!((map.cookie(1)?, map.cookie(2)?), (Some(cookie(b.as_fd())?), None));
    refused(map.set(4, &a), Errno::E2BIG, PAST);
    refused(
        map.update(0, &b, ElemFlags::NOEXIST),
        Errno::EEXIST,
        "map m: BPF_MAP_UPDATE_ELEM failed: EEXIST (File exists): there is a socket already",
    );
    refused(
        map.set(2, &a),
        Errno::EBUSY,
        "map m: BPF_MAP_UPDATE_ELEM failed: EBUSY (Device or resource busy): the socket is in such a map already",
    );
    refused(map.set(2, UdpSocket::bind("127.0.0.1:0")?), Errno::EINVAL, INVALID);
    assert!(map.clear(0)? && !map.clear(0)?);
    drop(b);
    assert_eq!(map.cookie(1)?, None, "it was closed");
    assert!(a.as_raw_fd() > 0);
    Ok(())
}
