"""Records what the running controllers write: record.py OUT GITROOT SCENARIO.py...
A scenario is a Python file whose run(s) drives one namespace: s.commit({path: text}), s.apply(yaml), s.wait(kind, name, ...), s.delete(kind, name).
OUT/<name>/trace.yaml gets, in order, every state that each Flux object and each Event went through, normalised; OUT/<name>/steps.yaml what was done.
Needs a control plane, controllers running, a Git HTTP server for GITROOT on 127.0.0.1:18080."""
import sys,os,json,ssl,http.client,threading,time,subprocess,re,runpy,shutil,copy,urllib.parse
import yaml
H='127.0.0.1:16443'; AUTH={'Authorization':'Bearer admintoken'}; ctx=ssl._create_unverified_context()
KINDS={'GitRepository':'source.toolkit.fluxcd.io/v1/gitrepositories','OCIRepository':'source.toolkit.fluxcd.io/v1/ocirepositories','HelmRepository':'source.toolkit.fluxcd.io/v1/helmrepositories','HelmChart':'source.toolkit.fluxcd.io/v1/helmcharts','Bucket':'source.toolkit.fluxcd.io/v1/buckets','ExternalArtifact':'source.toolkit.fluxcd.io/v1/externalartifacts','Kustomization':'kustomize.toolkit.fluxcd.io/v1/kustomizations','HelmRelease':'helm.toolkit.fluxcd.io/v2/helmreleases','Provider':'notification.toolkit.fluxcd.io/v1beta3/providers','Alert':'notification.toolkit.fluxcd.io/v1beta3/alerts','Receiver':'notification.toolkit.fluxcd.io/v1/receivers','Event':'/v1/events','ConfigMap':'/v1/configmaps','Secret':'/v1/secrets','Service':'/v1/services','ServiceAccount':'/v1/serviceaccounts','Deployment':'apps/v1/deployments','Job':'batch/v1/jobs','Role':'rbac.authorization.k8s.io/v1/roles','RoleBinding':'rbac.authorization.k8s.io/v1/rolebindings','CustomResourceDefinition':'apiextensions.k8s.io/v1/customresourcedefinitions','Namespace':'/v1/namespaces'}
WATCH=['GitRepository','OCIRepository','HelmRepository','HelmChart','Bucket','ExternalArtifact','Kustomization','HelmRelease','Provider','Alert','Receiver','Event']
CLUSTER={'CustomResourceDefinition','Namespace'}
def url(kind,ns,name=None):
    g,v,r=KINDS[kind].rsplit('/',2) if KINDS[kind].count('/')==2 else ('',)+tuple(KINDS[kind].strip('/').split('/'))
    p=(f'/apis/{g}/{v}' if g else f'/api/{v}')+(f'/namespaces/{ns}' if ns and kind not in CLUSTER else '')+f'/{r}'
    return p+(f'/{name}' if name else '')
def req(m,path,body=None,ct='application/json'):
    c=http.client.HTTPSConnection(H,context=ctx,timeout=60); c.request(m,path,body if isinstance(body,(bytes,str,type(None))) else json.dumps(body),{**AUTH,'Content-Type':ct}); r=c.getresponse(); d=r.read(); c.close(); return r.status,json.loads(d) if d[:1]==b'{' else {}
class Scenario:
    def __init__(s,name,out,gitroot):
        s.name,s.ns,s.out,s.gitroot=name,'t-'+name,out,gitroot; s.steps=[]; s.rows=[]; s.lock=threading.Lock(); s.latest={}; s.cond=threading.Condition(); s.stop=False; s.n=0
        s.work=f'{gitroot}/../tracework/{name}'; shutil.rmtree(s.work,ignore_errors=True); os.makedirs(s.work); s.git('init','-q','-b','main')
        req('POST','/api/v1/namespaces',dict(apiVersion='v1',kind='Namespace',metadata=dict(name=s.ns)))
        for k in s._served(): threading.Thread(target=s._watch,args=(k,),daemon=True).start()
        time.sleep(0.5)
    def _served(s): return [k for k in WATCH if req('GET',url(k,s.ns))[0]==200]
    def git(s,*a,env=None):
        e=dict(os.environ,GIT_AUTHOR_NAME='Ada',GIT_AUTHOR_EMAIL='ada@example.com',GIT_COMMITTER_NAME='Ada',GIT_COMMITTER_EMAIL='ada@example.com',GIT_AUTHOR_DATE=f'2026-01-01T00:00:{s.n:02d}Z',GIT_COMMITTER_DATE=f'2026-01-01T00:00:{s.n:02d}Z',**(env or {}))
        return subprocess.run(['git','-C',s.work,*a],env=e,check=True,capture_output=True,text=True).stdout
    @property
    def url(s): return f'http://127.0.0.1:18080/{s.name}.git'
    def commit(s,files,tag=None,branch=None):
        s.n+=1; s.steps.append(dict(commit={k:v for k,v in files.items()},**({'tag':tag} if tag else {})))
        if branch: s.git('checkout','-q','-B',branch)
        for p,t in files.items():
            f=f'{s.work}/{p}'
            if t is None: os.remove(f); continue
            os.makedirs(os.path.dirname(f),exist_ok=True); open(f,'w').write(t)
        s.git('add','-A'); s.git('commit','-q','-m',f'commit {s.n}')
        if tag: s.git('tag',tag)
        b=f'{s.gitroot}/{s.name}.git'
        if not os.path.exists(b): subprocess.run(['git','init','-q','--bare','-b','main',b],check=True)
        s.git('push','-q','-f','--tags',b,'HEAD'); s.mark('commit')
    def mark(s,what):
        with s.lock: s.rows.append(dict(step=len(s.steps),did=what))
    def apply(s,text,quiet=False):
        text=text.replace('$URL',s.url).replace('$NS',s.ns)
        if not quiet: s.steps.append(dict(apply=list(yaml.safe_load_all(text))))
        s.mark('apply')
        for o in yaml.safe_load_all(text):
            st,d=req('PATCH',url(o['kind'],o['metadata'].get('namespace',s.ns),o['metadata']['name'])+'?fieldManager=person&force=true',o,'application/apply-patch+yaml')
            if st>=300: s.rows.append(dict(refused=dict(kind=o['kind'],name=o['metadata']['name'],code=st,message=d.get('message')))); print('  refused',st,d.get('message'))
    def patch(s,kind,name,patch):
        s.steps.append(dict(patch=dict(kind=kind,name=name,patch=patch))); s.mark('patch'); st,d=req('PATCH',url(kind,s.ns,name)+'?fieldManager=person',patch,'application/merge-patch+json')
        if st>=300: print('  patch',st,d.get('message'))
    def request(s,kind,name):
        s.n+=1; s.patch(kind,name,dict(metadata=dict(annotations={'reconcile.fluxcd.io/requestedAt':f'2026-01-01T00:00:{s.n:02d}Z'})))
    def delete(s,kind,name,gone=True):
        s.steps.append(dict(delete=dict(kind=kind,name=name))); s.mark('delete'); req('DELETE',url(kind,s.ns,name))
        if gone: s._until(lambda: (kind,name) not in s.latest if kind in WATCH else req('GET',url(kind,s.ns,name))[0]==404,f'{kind} {name} gone')
    def sleep(s,t): time.sleep(t)
    def wait(s,kind,name,status='True',reason=None,revision=None,type='Ready',message=None,timeout=60,new=False):
        def ok():
            o=s.latest.get((kind,name))
            if not o: return False
            st=o.get('status',{})
            for c in st.get('conditions',[]):
                if c['type']==type and c['status']==status and (not reason or c['reason']==reason) and (not message or message in c['message']):
                    if status=='True' and c.get('observedGeneration') not in (None,o['metadata'].get('generation')): return False
                    return not revision or revision in json.dumps(st)
            return False
        s._until(ok,f'{kind} {name} {type}={status} {reason or ""}',timeout)
    def revision(s): return s.git('rev-parse','HEAD').strip()
    def _until(s,f,what,timeout=60):
        end=time.time()+timeout
        with s.cond:
            while not f():
                if time.time()>end: print('  TIMEOUT',what); s.rows.append(dict(timeout=what)); return
                s.cond.wait(0.2)
        time.sleep(0.7)
    def get(s,kind,name):
        st,o=req('GET',url(kind,s.ns,name)); s.rows.append(dict(read=s._norm(o,full=True) if st==200 else dict(kind=kind,name=name,code=st)))
    def _watch(s,kind):
        st,d=req('GET',url(kind,s.ns)); rv=d['metadata']['resourceVersion']
        c=http.client.HTTPSConnection(H,context=ctx,timeout=900); c.request('GET',url(kind,s.ns)+f'?watch=1&resourceVersion={rv}',headers=AUTH); r=c.getresponse()
        while not s.stop:
            l=r.readline()
            if not l: break
            e=json.loads(l); o=e['object']; o.setdefault('kind',kind); key=(kind,o['metadata']['name'])
            with s.cond:
                if e['type']=='DELETED': s.latest.pop(key,None)
                else: s.latest[key]=o
                if kind=='Event' and e['type']!='DELETED': s.rows.append(dict(event=s._event(o)))
                elif kind!='Event':
                    row=dict(seen='deleted') if e['type']=='DELETED' else {}
                    row.update(s._norm(o)); 
                    if not s.rows or s.rows[-1]!=row: s.rows.append(row)
                s.cond.notify_all()
    def _event(s,o):
        i=o['involvedObject']; a={k:v for k,v in (o['metadata'].get('annotations') or {}).items()}
        return dict(on=f"{i['kind']}/{i['name']}",type=o['type'],reason=o['reason'],message=o['message'],count=o.get('count'),by=o.get('reportingComponent') or o.get('source',{}).get('component'),**({'annotations':a} if a else {}))
    def _norm(s,o,full=False):
        m=o['metadata']; r=dict(kind=o['kind'],name=m['name'],generation=m.get('generation'))
        for k in('finalizers','labels','annotations','deletionTimestamp','ownerReferences'):
            if m.get(k): r[k]=m[k]
        if full:
            for k in o:
                if k not in('metadata','status','apiVersion','kind'): r[k]=o[k]
            r['managers']=[dict(manager=f['manager'],operation=f['operation'],sub=f.get('subresource'),fields=f['fieldsV1']) for f in m.get('managedFields',[])]
            if o['kind'] in WATCH: r['status']=o.get('status')
        else:
            r['managers']=sorted({f"{f['manager']} {f['operation']}{' '+f['subresource'] if f.get('subresource') else ''}" for f in m.get('managedFields',[])}); r['status']=o.get('status')
        return r
    def finish(s):
        time.sleep(1); s.stop=True; times={}
        def n(v,k=None):
            if isinstance(v,dict): return {a:n(b,a) for a,b in v.items() if not(a in('resourceVersion',) )}
            if isinstance(v,list): return [n(x) for x in v]
            if isinstance(v,str):
                if re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z',v) and not v.startswith('2026-01-01'): return '<time>'
                v=v.replace('127.0.0.1:9790','source-controller.flux-system.svc.cluster.local.').replace('127.0.0.1:18080','git.example.com').replace(s.ns,'$NS')
                v=re.sub(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}','<uid>',v)
                v=re.sub(r'\b(\d+m)?\d+(\.\d+)?(ms|µs|s)\b(?=[ ,.)]|$)',lambda m: m[0] if re.fullmatch(r'\d+m0s|\d+s',m[0]) and 'finished in '+m[0] not in v else '<duration>',v) if k in('message',) else '<duration>' if k=='lastReconciledDuration' else v
                return v
            return v
        d=f'{s.out}/{s.name}'; os.makedirs(d,exist_ok=True); rows=[]
        last={}
        def cond(c): return f"{c['type']}={c['status']} {c['reason']} gen={c.get('observedGeneration')}: {c['message']}"
        def short(st): return {k:([cond(c) for c in v] if k=='conditions' else v) for k,v in (st or {}).items()}
        for r in n(s.rows):
            if 'read' in r and 'status' in r['read']: r['read']['status']=short(r['read']['status'])
            if 'kind' in r:   # a state of one object: only what differs from the one before
                key=(r['kind'],r['name']); now={k:v for k,v in r.items() if k not in('kind','name','status')}; now.update({'status.'+k:v for k,v in short(r.get('status')).items()}); old=last.get(key,{}); last[key]={} if r.get('seen') else now
                if r.get('seen'): rows.append({f"{r['kind']}/{r['name']}":'deleted'}); continue
                delta={k:v for k,v in now.items() if old.get(k)!=v}; delta.update({k:None for k in old if k not in now})
                if delta: rows.append({r['kind']+'/'+r['name']:delta})
            else: rows.append(r)
        class D(yaml.SafeDumper): pass
        D.add_representer(str,lambda d,v: d.represent_scalar('tag:yaml.org,2002:str',v,style='|' if '\n' in v else None)); D.ignore_aliases=lambda *a: True
        yaml.dump(n(s.steps),open(f'{d}/steps.yaml','w'),Dumper=D,sort_keys=False,width=200); yaml.dump(rows,open(f'{d}/trace.yaml','w'),Dumper=D,sort_keys=False,width=200)
        print(f'{s.name}: {len(rows)} rows')
        req('DELETE',f'/api/v1/namespaces/{s.ns}')
if __name__=='__main__':
    out,gitroot=map(os.path.abspath,sys.argv[1:3]); os.makedirs(f'{gitroot}/../tracework',exist_ok=True)
    only=os.environ.get('ONLY','').split()
    for f in sys.argv[3:]:
        for name,run in runpy.run_path(f)['SCENARIOS'].items():
            if only and name not in only: continue
            s=Scenario(name,out,gitroot)
            try: run(s)
            except Exception as e: print('  FAILED',name,repr(e))
            s.finish()
