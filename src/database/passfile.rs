//! The password file, `~/.pgpass`. Source: PostgreSQL manual, "34.16. The Password File".

use std::path::Path;

use tokio_postgres::config::{Config, Host};

/// Looks up the password of a connection. `None` where there is no file or no line fits; an error is a reason not to use
/// the file, to be told to a person.
pub(super) fn look_up(file: &Path, config: &Config) -> Result<Option<String>, String> {
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(None) };
    if readable_by_others(file) {
        let name = file.display();
        return Err(format!("the password file {name} is not used: other users can read it (chmod 0600 {name})"));
    }
    // One password is sent to every host of the list, so every host has to be one that the file gives it to.
    let mut found: Option<String> = None;
    for (index, host) in config.get_hosts().iter().enumerate() {
        let Some(password) = for_host(&text, config, host, index) else { return Ok(None) };
        if found.as_ref().is_some_and(|earlier| *earlier != password) {
            let name = file.display();
            return Err(format!(
                "the password file {name} is not used: it has several passwords for the hosts of one list"
            ));
        }
        found = Some(password);
    }
    Ok(found)
}

fn for_host(text: &str, config: &Config, host: &Host, index: usize) -> Option<String> {
    let ports = config.get_ports();
    let host = match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) if is_default_folder(folder) => "localhost".to_owned(),
        Host::Unix(folder) => folder.display().to_string(),
    };
    let port = ports.get(index).or(ports.first()).map(ToString::to_string).unwrap_or_default();
    let user = config.get_user().map(str::to_owned).or_else(|| whoami::username().ok())?;
    let dbname = config.get_dbname().unwrap_or(&user);
    let wanted = [host.as_str(), &port, dbname, &user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [conditions @ .., password] = fields.as_slice() else { return None };
        let fits = |(condition, wanted): (&String, &&str)| condition == "*" || condition == *wanted;
        (conditions.len() == wanted.len() && conditions.iter().zip(&wanted).all(fits)).then(|| password.clone())
    })
}

fn is_default_folder(folder: &Path) -> bool {
    folder == Path::new("/var/run/postgresql") || folder == Path::new("/tmp")
}

/// `host:port:database:user:password`, with `\:` and `\\`.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        let last = fields.len() - 1;
        match c {
            '\\' => fields[last].extend(rest.next()),
            ':' if last < 4 => fields.push(String::new()),
            _ => fields[last].push(c),
        }
    }
    fields
}

#[cfg(unix)]
fn readable_by_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# who:may:come:in:?\n\ndb:5432:ci:ro:first\ndb:*:*:ro:se\\:cond\nhalf:a:line\n*:*:*:*:last\n";

    fn looked_up(settings: &str) -> Option<String> {
        let config: Config = settings.parse().expect("settings");
        for_host(FILE, &config, &config.get_hosts()[0], 0)
    }

    #[test]
    fn the_first_line_that_fits_wins() {
        for (settings, expected) in [
            ("host=db port=5432 dbname=ci user=ro", "first"),
            ("host=db port=5433 dbname=ci user=ro", "se:cond"),
            ("host=other port=5432 dbname=ci user=ro", "last"),
        ] {
            assert_eq!(looked_up(settings).as_deref(), Some(expected), "{settings}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pgpass");
        std::fs::write(&file, FILE).expect("a file");
        let config: Config = "host=db user=ro".parse().expect("settings");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("permissions");
        assert!(look_up(&file, &config).expect_err("it was used").contains("other users can read it"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        assert_eq!(look_up(&file, &config).expect("a look").as_deref(), Some("se:cond"));
    }
}
