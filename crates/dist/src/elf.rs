//! What an ELF program's headers say: for which processor it is, and whether it needs anything of the machine it runs on.

const PROGRAM_INTERPRETER: u32 = 3;
const DYNAMIC: u32 = 2;
/// An entry of the dynamic section that names a library.
const NEEDED: u64 = 1;

/// Gives the architecture, as image configurations name it, of a program that is statically linked.
pub fn check(bytes: &[u8]) -> Result<&'static str, &'static str> {
    let headers = Headers::read(bytes).ok_or("no 64 bit ELF program for a little-endian processor")?;
    let architecture = match headers.machine {
        62 => "amd64",
        183 => "arm64",
        243 => "riscv64",
        _ => return Err("a processor that images have no name for"),
    };
    if headers.programs.iter().any(|program| program.kind == PROGRAM_INTERPRETER) {
        return Err("dynamically linked: build it for a musl target");
    }
    if headers.programs.iter().any(|program| program.kind == DYNAMIC && program.needs_libraries(bytes)) {
        return Err("it needs shared libraries: build it for a musl target");
    }
    Ok(architecture)
}

struct Headers {
    machine: u16,
    programs: Vec<Program>,
}

struct Program {
    kind: u32,
    offset: usize,
    size: usize,
}

impl Headers {
    fn read(bytes: &[u8]) -> Option<Self> {
        // Class 2 is 64 bit, encoding 1 is little-endian.
        if bytes.get(..6)? != b"\x7fELF\x02\x01" {
            return None;
        }
        let at = usize::try_from(u64_at(bytes, 32)?).ok()?;
        let (size, count) = (usize::from(u16_at(bytes, 54)?), usize::from(u16_at(bytes, 56)?));
        let mut programs = Vec::with_capacity(count);
        for index in 0..count {
            let at = at.checked_add(index.checked_mul(size)?)?;
            programs.push(Program {
                kind: u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?),
                offset: usize::try_from(u64_at(bytes, at.checked_add(8)?)?).ok()?,
                size: usize::try_from(u64_at(bytes, at.checked_add(32)?)?).ok()?,
            });
        }
        Some(Self { machine: u16_at(bytes, 18)?, programs })
    }
}

impl Program {
    fn needs_libraries(&self, bytes: &[u8]) -> bool {
        let end = self.offset.saturating_add(self.size).min(bytes.len());
        let entries = bytes.get(self.offset..end).unwrap_or_default().chunks_exact(16);
        entries.map(|entry| u64_at(entry, 0)).any(|tag| tag == Some(NEEDED))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file of one program header.
    fn program(machine: u16, kind: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&1_u16.to_le_bytes());
        bytes[64..68].copy_from_slice(&kind.to_le_bytes());
        bytes[72..80].copy_from_slice(&120_u64.to_le_bytes());
        bytes[96..104].copy_from_slice(&(content.len() as u64).to_le_bytes());
        bytes.extend_from_slice(content);
        bytes
    }

    #[test]
    fn a_static_program_is_told_from_others() {
        let needed: Vec<u8> = [0_u64, 0, NEEDED, 7].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(check(&program(62, 1, b"")), Ok("amd64"));
        assert_eq!(check(&program(183, DYNAMIC, &needed[..16])), Ok("arm64"), "static, and placed anywhere");
        assert!(check(&program(62, PROGRAM_INTERPRETER, b"/lib64/ld.so")).is_err());
        assert!(check(&program(62, DYNAMIC, &needed)).is_err());
        assert!(check(&program(3, 1, b"")).is_err());
        for cut in 0..104 {
            assert!(check(&program(62, 1, b"")[..cut]).is_err());
        }
    }
}
