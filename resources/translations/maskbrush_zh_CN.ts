<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name>Actions</name>
    <message>
        <source>&amp;Back end</source>
        <translation>后端(&amp;B)</translation>
    </message>
    <message>
        <source>&amp;Copy picture</source>
        <translation>复制图片(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Device</source>
        <translation>设备(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Export photo…</source>
        <translation>导出照片(&amp;E)…</translation>
    </message>
    <message>
        <source>&amp;Face parser</source>
        <translation>人脸解析器(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Find a command…</source>
        <translation>查找命令(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Keyboard shortcuts…</source>
        <translation>键盘快捷键(&amp;K)…</translation>
    </message>
    <message>
        <source>&amp;Load mask…</source>
        <translation>载入蒙版(&amp;L)…</translation>
    </message>
    <message>
        <source>&amp;Load parser…</source>
        <translation>载入解析器(&amp;L)…</translation>
    </message>
    <message>
        <source>&amp;Model</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Open…</source>
        <translation>打开(&amp;O)…</translation>
    </message>
    <message>
        <source>&amp;Own style</source>
        <translation>自身风格(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Paste picture</source>
        <translation>粘贴图片(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Recover edits…</source>
        <translation>恢复编辑(&amp;R)…</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>重做(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Redo {0}</source>
        <translation>重做{0}(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Save project</source>
        <translation>保存项目(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>撤销(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Undo {0}</source>
        <translation>撤销{0}(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Use default weights</source>
        <translation>使用默认权重(&amp;U)</translation>
    </message>
    <message>
        <source>&lt;b&gt;Maskbrush&lt;/b&gt;&lt;p&gt;Paint a face&apos;s semantic mask and see it rendered live.&lt;/p&gt;&lt;p&gt;Code and default weights: Apache License 2.0. The generator is MaskGAN&apos;s dense mapping network (Lee et al., CVPR 2020), trained anew on pictures whose terms allow it.&lt;/p&gt;</source>
        <translation>&lt;b&gt;Maskbrush&lt;/b&gt;&lt;p&gt;绘制人脸的语义蒙版，实时查看渲染结果。&lt;/p&gt;&lt;p&gt;代码和默认权重：Apache License 2.0。生成器为 MaskGAN 的密集映射网络（Lee 等，CVPR 2020），用许可条款允许的图片重新训练。&lt;/p&gt;</translation>
    </message>
    <message>
        <source>About Maskbrush</source>
        <translation>关于 Maskbrush</translation>
    </message>
    <message>
        <source>Ad&amp;just alignment…</source>
        <translation>调整对齐(&amp;J)…</translation>
    </message>
    <message>
        <source>Apple GPU (MPS)</source>
        <translation>Apple GPU (MPS)</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>Cancel opening</source>
        <translation>取消打开</translation>
    </message>
    <message>
        <source>Choose another &amp;face…</source>
        <translation>选择其他人脸(&amp;F)…</translation>
    </message>
    <message>
        <source>Commands</source>
        <translation>命令</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Export &amp;mask…</source>
        <translation>导出蒙版(&amp;M)…</translation>
    </message>
    <message>
        <source>Export quali&amp;ty…</source>
        <translation>导出品质(&amp;T)…</translation>
    </message>
    <message>
        <source>Finish what a tool has begun</source>
        <translation>完成工具当前的操作</translation>
    </message>
    <message>
        <source>From an &amp;exemplar…</source>
        <translation>取自参考图(&amp;E)…</translation>
    </message>
    <message>
        <source>Load &amp;weights…</source>
        <translation>载入权重(&amp;W)…</translation>
    </message>
    <message>
        <source>Memory for the &amp;history…</source>
        <translation>历史记录内存(&amp;H)…</translation>
    </message>
    <message>
        <source>Move the line between before and after</source>
        <translation>移动编辑前后的分界线</translation>
    </message>
    <message>
        <source>Move the picture while it is held down</source>
        <translation>按住时移动图片</translation>
    </message>
    <message>
        <source>NVIDIA GPU (CUDA)</source>
        <translation>NVIDIA GPU (CUDA)</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Open a photo or a project</source>
        <translation>打开照片或项目</translation>
    </message>
    <message>
        <source>Open with mas&amp;k…</source>
        <translation>连同蒙版打开(&amp;K)…</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>重置</translation>
    </message>
    <message>
        <source>Reset &amp;mask</source>
        <translation>重置蒙版(&amp;M)</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Save project &amp;as…</source>
        <translation>项目另存为(&amp;A)…</translation>
    </message>
    <message>
        <source>Show the edit in the whole photo</source>
        <translation>在整张照片中显示编辑结果</translation>
    </message>
    <message>
        <source>Take a polygon&apos;s last corner back</source>
        <translation>撤回多边形的最后一个顶点</translation>
    </message>
    <message>
        <source>The whole photo is shown already: this portrait is no crop of one</source>
        <translation>已显示整张照片：此人像并非从照片中裁剪而来</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Use &amp;default parser</source>
        <translation>使用默认解析器(&amp;D)</translation>
    </message>
    <message>
        <source>Whole photo: only with “Edit only”, as the raw render has no place in it</source>
        <translation>整张照片：仅在启用“仅编辑处”时可用，因为原始渲染无法放回照片</translation>
    </message>
</context>
<context>
    <name>AdjustPanel</name>
    <message>
        <source>Nothing is called “{0}”.</source>
        <translation>没有名为“{0}”的调整项。</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Search the adjustments</source>
        <translation>搜索调整项</translation>
    </message>
</context>
<context>
    <name>AdjustRow</name>
    <message>
        <source>from {0} to {1}</source>
        <translation>从{0}到{1}</translation>
    </message>
    <message>
        <source>{0}
Double click or Delete: back to zero. Escape: as it was.</source>
        <translation>{0}
双击或 Delete：归零。Esc：恢复原值。</translation>
    </message>
</context>
<context>
    <name>Adjusting</name>
    <message>
        <source>Fill holes</source>
        <translation>填补孔洞</translation>
    </message>
    <message>
        <source>Outline</source>
        <translation>轮廓</translation>
    </message>
    <message>
        <source>Remove islands</source>
        <translation>移除孤岛</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>The class that is painted</source>
        <translation>当前绘制的类别</translation>
    </message>
    <message>
        <source>as it is</source>
        <translation>保持原样</translation>
    </message>
    <message>
        <source>large ones</source>
        <translation>含较大的</translation>
    </message>
    <message>
        <source>larger</source>
        <translation>扩大</translation>
    </message>
    <message>
        <source>none</source>
        <translation>不处理</translation>
    </message>
    <message>
        <source>smaller</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>smooth</source>
        <translation>平滑</translation>
    </message>
</context>
<context>
    <name>AlignPage</name>
    <message>
        <source>Adjust alignment…</source>
        <translation>调整对齐…</translation>
    </message>
    <message>
        <source>Adjust the alignment</source>
        <translation>调整对齐</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Choose a face</source>
        <translation>选择人脸</translation>
    </message>
    <message>
        <source>Drag inside the frame to move it.
[  ]  scale      ,  .  turn
Arrow keys  nudge the blue point</source>
        <translation>在框内拖动可移动裁剪框。
[  ]  缩放      ,  .  旋转
方向键  微调蓝色点</translation>
    </message>
    <message>
        <source>Drag the points onto the eyes and the mouth.</source>
        <translation>将各点拖到双眼和嘴上。</translation>
    </message>
    <message>
        <source>Edit this face</source>
        <translation>编辑此人脸</translation>
    </message>
    <message>
        <source>One face was found.</source>
        <translation>找到 1 张人脸。</translation>
    </message>
    <message>
        <source>Or press its number.</source>
        <translation>也可按其编号对应的数字键。</translation>
    </message>
    <message>
        <source>Photo</source>
        <translation>照片</translation>
    </message>
    <message>
        <source>Put the crop into place by hand</source>
        <translation>手动放置裁剪框</translation>
    </message>
    <message>
        <source>Put the points back to where they were at first</source>
        <translation>将各点恢复到最初的位置</translation>
    </message>
    <message>
        <source>Reset points</source>
        <translation>重置各点</translation>
    </message>
    <message>
        <source>The crop lies outside the photo.</source>
        <translation>裁剪框位于照片之外。</translation>
    </message>
    <message>
        <source>The face that you choose is shown here.</source>
        <translation>所选人脸将显示在这里。</translation>
    </message>
    <message>
        <source>The points lie too close together.</source>
        <translation>各点之间距离太近。</translation>
    </message>
    <message>
        <source>The wheel zooms, the middle button moves the photo.</source>
        <translation>滚轮缩放，中键移动照片。</translation>
    </message>
    <message>
        <source>Use this crop</source>
        <translation>使用此裁剪</translation>
    </message>
    <message>
        <source>{0} faces were found. Click the one to edit.</source>
        <translation>找到 {0} 张人脸。请点击要编辑的人脸。</translation>
    </message>
</context>
<context>
    <name>Autosave</name>
    <message>
        <source>Save the project to be safe; keeping edits is tried again every minute.</source>
        <translation>为安全起见请保存项目；程序每分钟会再次尝试保留编辑。</translation>
    </message>
    <message>
        <source>The latest edits would be lost if Maskbrush ended now: {0}</source>
        <translation>如果 Maskbrush 现在意外退出，最近的编辑将会丢失：{0}</translation>
    </message>
</context>
<context>
    <name>Banner</name>
    <message>
        <source>Dismiss</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Dismiss the message</source>
        <translation>关闭此消息</translation>
    </message>
</context>
<context>
    <name>BrushLike</name>
    <message>
        <source>{0} px</source>
        <translation>{0} 像素</translation>
    </message>
</context>
<context>
    <name>ClassList</name>
    <message>
        <source>Hide</source>
        <translation>隐藏</translation>
    </message>
    <message>
        <source>Lock</source>
        <translation>锁定</translation>
    </message>
    <message>
        <source>Paint only over this class</source>
        <translation>仅在此类别上绘制</translation>
    </message>
    <message>
        <source>Paint only over: {0}</source>
        <translation>仅绘制于：{0}</translation>
    </message>
    <message>
        <source>Paint over any class</source>
        <translation>可在任何类别上绘制</translation>
    </message>
    <message>
        <source>Paint over this class too</source>
        <translation>也可在此类别上绘制</translation>
    </message>
    <message>
        <source>Replace this class by</source>
        <translation>将此类别替换为</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Show all</source>
        <translation>全部显示</translation>
    </message>
    <message>
        <source>Show all classes, filled</source>
        <translation>以填充方式显示所有类别</translation>
    </message>
    <message>
        <source>Show only this</source>
        <translation>仅显示此类别</translation>
    </message>
    <message>
        <source>Show outline only</source>
        <translation>仅显示轮廓</translation>
    </message>
    <message>
        <source>Unlock all</source>
        <translation>全部解锁</translation>
    </message>
    <message>
        <source>Unlock all classes</source>
        <translation>解锁所有类别</translation>
    </message>
    <message>
        <source>nothing</source>
        <translation>无</translation>
    </message>
</context>
<context>
    <name>ClassModel</name>
    <message>
        <source>hidden</source>
        <translation>已隐藏</translation>
    </message>
    <message>
        <source>locked</source>
        <translation>已锁定</translation>
    </message>
    <message>
        <source>not in the mask</source>
        <translation>蒙版中没有</translation>
    </message>
    <message>
        <source>outline only</source>
        <translation>仅显示轮廓</translation>
    </message>
    <message>
        <source>protected</source>
        <translation>受保护</translation>
    </message>
    <message>
        <source>the only one shown</source>
        <translation>单独显示</translation>
    </message>
    <message>
        <source>{0}: class {1}, {2}. Key {3}</source>
        <translation>{0}：类别 {1}，{2}。按键 {3}</translation>
    </message>
</context>
<context>
    <name>ClassView</name>
    <message>
        <source>Alt and click: show nothing else (Enter)</source>
        <translation>Alt+点击：单独显示 (Enter)</translation>
    </message>
    <message>
        <source>Classes</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>Hide {0} (Space)</source>
        <translation>隐藏{0} (空格)</translation>
    </message>
    <message>
        <source>Lock {0}, so that nothing is painted over it (Shift+Space)</source>
        <translation>锁定{0}，避免被绘制覆盖 (Shift+空格)</translation>
    </message>
    <message>
        <source>Show {0} (Space)</source>
        <translation>显示{0} (空格)</translation>
    </message>
    <message>
        <source>Unlock {0} (Shift+Space)</source>
        <translation>解锁{0} (Shift+空格)</translation>
    </message>
</context>
<context>
    <name>CommandBar</name>
    <message>
        <source>More commands</source>
        <translation>更多命令</translation>
    </message>
</context>
<context>
    <name>CommandPalette</name>
    <message>
        <source>Commands</source>
        <translation>命令</translation>
    </message>
    <message>
        <source>Commands found</source>
        <translation>找到的命令</translation>
    </message>
    <message>
        <source>No command is called “{0}”.</source>
        <translation>没有名为“{0}”的命令。</translation>
    </message>
    <message>
        <source>Search for a command</source>
        <translation>搜索命令</translation>
    </message>
    <message>
        <source>Type a command</source>
        <translation>输入命令</translation>
    </message>
</context>
<context>
    <name>Commands</name>
    <message>
        <source>Choose an exemplar</source>
        <translation>选择参考图</translation>
    </message>
    <message>
        <source>Load mask</source>
        <translation>载入蒙版</translation>
    </message>
    <message>
        <source>Megabytes; beyond them the oldest steps can no longer be undone:</source>
        <translation>内存上限（MB）；超出后将无法再撤销最早的步骤：</translation>
    </message>
    <message>
        <source>Memory for the history</source>
        <translation>历史记录内存</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>粘贴的图片</translation>
    </message>
    <message>
        <source>The edits of {0} have not been saved. Save them as a project first?</source>
        <translation>对 {0} 的编辑尚未保存。是否先保存为项目？</translation>
    </message>
    <message>
        <source>The photo was copied.</source>
        <translation>照片已复制。</translation>
    </message>
    <message>
        <source>The picture was copied.</source>
        <translation>图片已复制。</translation>
    </message>
    <message>
        <source>Unsaved edits</source>
        <translation>未保存的编辑</translation>
    </message>
    <message>
        <source>{0} files were dropped: {1} is opened.</source>
        <translation>拖入了 {0} 个文件：将打开 {1}。</translation>
    </message>
</context>
<context>
    <name>ComparePane</name>
    <message>
        <source>After</source>
        <translation>编辑后</translation>
    </message>
    <message>
        <source>Before</source>
        <translation>编辑前</translation>
    </message>
    <message>
        <source>Difference</source>
        <translation>差异</translation>
    </message>
    <message>
        <source>Different</source>
        <translation>不同</translation>
    </message>
    <message>
        <source>Same</source>
        <translation>相同</translation>
    </message>
</context>
<context>
    <name>DropHint</name>
    <message>
        <source>Drop hint</source>
        <translation>拖放提示</translation>
    </message>
</context>
<context>
    <name>Dropping</name>
    <message>
        <source>Drop a photo to edit it</source>
        <translation>拖放照片即可编辑</translation>
    </message>
    <message>
        <source>Drop a photo to take its style</source>
        <translation>拖放照片以采用其风格</translation>
    </message>
    <message>
        <source>Drop the project to go on with it</source>
        <translation>拖放到此处以继续编辑该项目</translation>
    </message>
    <message>
        <source>Dropped picture</source>
        <translation>拖入的图片</translation>
    </message>
    <message>
        <source>Hold Shift, or drop it on the style button, to take only its style</source>
        <translation>按住 Shift，或拖放到风格按钮上，则仅采用其风格</translation>
    </message>
</context>
<context>
    <name>Editor</name>
    <message>
        <source>A mask needs its picture.</source>
        <translation>蒙版需要对应的图片。</translation>
    </message>
    <message>
        <source>Open a photo first.</source>
        <translation>请先打开照片。</translation>
    </message>
    <message>
        <source>Saved {0}</source>
        <translation>已保存 {0}</translation>
    </message>
    <message>
        <source>The mask of the whole picture will be replaced by the mask of the face in this crop.</source>
        <translation>整张图片的蒙版将被此裁剪范围内的人脸蒙版取代。</translation>
    </message>
    <message>
        <source>There is no mask to save.</source>
        <translation>没有可保存的蒙版。</translation>
    </message>
    <message>
        <source>There is nothing to export.</source>
        <translation>没有可导出的内容。</translation>
    </message>
</context>
<context>
    <name>EditorPage</name>
    <message>
        <source>Edit only</source>
        <translation>仅编辑处</translation>
    </message>
    <message>
        <source>Edit only
On: pixels away from your edit stay the source&apos;s.
Off: the network&apos;s raw render.</source>
        <translation>仅编辑处
开：编辑处以外的像素保持原图。
关：显示网络的原始渲染结果。</translation>
    </message>
    <message>
        <source>Mask</source>
        <translation>蒙版</translation>
    </message>
    <message>
        <source>Mask opacity</source>
        <translation>蒙版不透明度</translation>
    </message>
    <message>
        <source>Mask opacity: left shows the picture, right the mask</source>
        <translation>蒙版不透明度：向左显示图片，向右显示蒙版</translation>
    </message>
    <message>
        <source>Opacity</source>
        <translation>不透明度</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Result photo</source>
        <translation>结果照片</translation>
    </message>
    <message>
        <source>Source</source>
        <translation>原图</translation>
    </message>
    <message>
        <source>Source photo</source>
        <translation>原始照片</translation>
    </message>
    <message>
        <source>Style</source>
        <translation>风格</translation>
    </message>
</context>
<context>
    <name>FaceAction</name>
    <message>
        <source>Angry</source>
        <translation>愤怒</translation>
    </message>
    <message>
        <source>Aviator glasses</source>
        <translation>飞行员眼镜</translation>
    </message>
    <message>
        <source>Brimmed hat</source>
        <translation>有檐帽</translation>
    </message>
    <message>
        <source>Brow height</source>
        <translation>眉毛高度</translation>
    </message>
    <message>
        <source>Brow slant</source>
        <translation>眉毛倾斜</translation>
    </message>
    <message>
        <source>Brow thickness</source>
        <translation>眉毛粗细</translation>
    </message>
    <message>
        <source>Brows</source>
        <translation>眉毛</translation>
    </message>
    <message>
        <source>Cap</source>
        <translation>鸭舌帽</translation>
    </message>
    <message>
        <source>Cat-eye glasses</source>
        <translation>猫眼眼镜</translation>
    </message>
    <message>
        <source>Chin length</source>
        <translation>下巴长度</translation>
    </message>
    <message>
        <source>Closed</source>
        <translation>闭合</translation>
    </message>
    <message>
        <source>Earrings</source>
        <translation>耳饰</translation>
    </message>
    <message>
        <source>Eye size</source>
        <translation>眼睛大小</translation>
    </message>
    <message>
        <source>Eyelids</source>
        <translation>眼睑开合</translation>
    </message>
    <message>
        <source>Eyes</source>
        <translation>眼睛</translation>
    </message>
    <message>
        <source>Face</source>
        <translation>脸部</translation>
    </message>
    <message>
        <source>Face width</source>
        <translation>脸宽</translation>
    </message>
    <message>
        <source>Flatter</source>
        <translation>更服帖</translation>
    </message>
    <message>
        <source>Fringe</source>
        <translation>刘海</translation>
    </message>
    <message>
        <source>Frown</source>
        <translation>撇嘴</translation>
    </message>
    <message>
        <source>Fuller</source>
        <translation>更丰盈</translation>
    </message>
    <message>
        <source>Hair</source>
        <translation>头发</translation>
    </message>
    <message>
        <source>Hair length</source>
        <translation>头发长度</translation>
    </message>
    <message>
        <source>Hair volume</source>
        <translation>发量</translation>
    </message>
    <message>
        <source>High and thin</source>
        <translation>高而细</translation>
    </message>
    <message>
        <source>Higher</source>
        <translation>更高</translation>
    </message>
    <message>
        <source>Hoop earrings</source>
        <translation>圈形耳环</translation>
    </message>
    <message>
        <source>Large</source>
        <translation>大</translation>
    </message>
    <message>
        <source>Larger</source>
        <translation>更大</translation>
    </message>
    <message>
        <source>Less</source>
        <translation>更少</translation>
    </message>
    <message>
        <source>Lips</source>
        <translation>嘴唇厚度</translation>
    </message>
    <message>
        <source>Longer</source>
        <translation>更长</translation>
    </message>
    <message>
        <source>Low and thick</source>
        <translation>低而粗</translation>
    </message>
    <message>
        <source>Lower</source>
        <translation>更低</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Mouth</source>
        <translation>嘴部</translation>
    </message>
    <message>
        <source>Narrow brim</source>
        <translation>窄檐</translation>
    </message>
    <message>
        <source>Narrower</source>
        <translation>更窄</translation>
    </message>
    <message>
        <source>Necklace</source>
        <translation>项链</translation>
    </message>
    <message>
        <source>Nose width</source>
        <translation>鼻宽</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>张开</translation>
    </message>
    <message>
        <source>Open mouth</source>
        <translation>张嘴</translation>
    </message>
    <message>
        <source>Pendants</source>
        <translation>耳坠</translation>
    </message>
    <message>
        <source>Rectangular glasses</source>
        <translation>方框眼镜</translation>
    </message>
    <message>
        <source>Remove earrings</source>
        <translation>移除耳环</translation>
    </message>
    <message>
        <source>Remove glasses</source>
        <translation>移除眼镜</translation>
    </message>
    <message>
        <source>Remove hat</source>
        <translation>移除帽子</translation>
    </message>
    <message>
        <source>Remove necklace</source>
        <translation>移除项链</translation>
    </message>
    <message>
        <source>Round glasses</source>
        <translation>圆框眼镜</translation>
    </message>
    <message>
        <source>Shorter</source>
        <translation>更短</translation>
    </message>
    <message>
        <source>Slimmer</source>
        <translation>更瘦</translation>
    </message>
    <message>
        <source>Small</source>
        <translation>小</translation>
    </message>
    <message>
        <source>Smaller</source>
        <translation>更小</translation>
    </message>
    <message>
        <source>Smile</source>
        <translation>微笑</translation>
    </message>
    <message>
        <source>Studs</source>
        <translation>耳钉</translation>
    </message>
    <message>
        <source>Thicker</source>
        <translation>更粗浓</translation>
    </message>
    <message>
        <source>Thinner</source>
        <translation>更细薄</translation>
    </message>
    <message>
        <source>Wear</source>
        <translation>佩戴</translation>
    </message>
    <message>
        <source>Wide brim</source>
        <translation>宽檐</translation>
    </message>
    <message>
        <source>Wide open</source>
        <translation>睁大</translation>
    </message>
    <message>
        <source>Wider</source>
        <translation>更宽</translation>
    </message>
    <message>
        <source>Woollen hat</source>
        <translation>毛线帽</translation>
    </message>
    <message>
        <source>Worried</source>
        <translation>忧愁</translation>
    </message>
</context>
<context>
    <name>FileDialogs</name>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
    <message>
        <source>Choose the mask of {0}</source>
        <translation>选择 {0} 的蒙版</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Face parsers (*.safetensors *.pth *.onnx)</source>
        <translation>人脸解析器 (*.safetensors *.pth *.onnx)</translation>
    </message>
    <message>
        <source>JPEG (*.jpg *.jpeg)</source>
        <translation>JPEG (*.jpg *.jpeg)</translation>
    </message>
    <message>
        <source>Load a face parser</source>
        <translation>载入人脸解析器</translation>
    </message>
    <message>
        <source>Load weights</source>
        <translation>载入权重</translation>
    </message>
    <message>
        <source>Masks (*.png);;All files (*)</source>
        <translation>蒙版 (*.png);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Open a picture that has a mask</source>
        <translation>打开带有蒙版的图片</translation>
    </message>
    <message>
        <source>PNG (*.png)</source>
        <translation>PNG (*.png)</translation>
    </message>
    <message>
        <source>Photos</source>
        <translation>照片</translation>
    </message>
    <message>
        <source>Photos and projects</source>
        <translation>照片和项目</translation>
    </message>
    <message>
        <source>Projects (*{0})</source>
        <translation>项目 (*{0})</translation>
    </message>
    <message>
        <source>Replace file</source>
        <translation>替换文件</translation>
    </message>
    <message>
        <source>Save project</source>
        <translation>保存项目</translation>
    </message>
    <message>
        <source>TIFF (*.tif *.tiff)</source>
        <translation>TIFF (*.tif *.tiff)</translation>
    </message>
    <message>
        <source>WebP (*.webp)</source>
        <translation>WebP (*.webp)</translation>
    </message>
    <message>
        <source>Weights (*.safetensors *.pth)</source>
        <translation>权重 (*.safetensors *.pth)</translation>
    </message>
    <message>
        <source>{0} exists already. Replace it?</source>
        <translation>{0} 已存在。是否替换？</translation>
    </message>
</context>
<context>
    <name>HistoryModel</name>
    <message>
        <source>1 earlier step</source>
        <translation>更早的 1 步</translation>
    </message>
    <message>
        <source>Original</source>
        <translation>原始状态</translation>
    </message>
    <message>
        <source>compared</source>
        <translation>对比中</translation>
    </message>
    <message>
        <source>memory is used up</source>
        <translation>内存已用尽</translation>
    </message>
    <message>
        <source>now</source>
        <translation>当前</translation>
    </message>
    <message>
        <source>step {0}</source>
        <translation>第 {0} 步</translation>
    </message>
    <message>
        <source>undone</source>
        <translation>已撤销</translation>
    </message>
    <message>
        <source>{0} earlier steps</source>
        <translation>更早的 {0} 步</translation>
    </message>
</context>
<context>
    <name>HistoryPanel</name>
    <message>
        <source>1 step, {1} MB</source>
        <translation>1 步，{1} MB</translation>
    </message>
    <message>
        <source>Comparing with step {0}</source>
        <translation>正在与第 {0} 步对比</translation>
    </message>
    <message>
        <source>Comparing with step {0}: {1}</source>
        <translation>正在与第 {0} 步对比：{1}</translation>
    </message>
    <message>
        <source>Comparing with the original</source>
        <translation>正在与原始状态对比</translation>
    </message>
    <message>
        <source>Each change will be listed here.</source>
        <translation>更改会列在这里。</translation>
    </message>
    <message>
        <source>Stop comparing</source>
        <translation>停止对比</translation>
    </message>
    <message>
        <source>{0} steps, {1} MB</source>
        <translation>{0} 步，{1} MB</translation>
    </message>
</context>
<context>
    <name>HistoryView</name>
    <message>
        <source>Compare with now</source>
        <translation>与当前对比</translation>
    </message>
    <message>
        <source>Compare with now (Shift+Enter)</source>
        <translation>与当前对比 (Shift+Enter)</translation>
    </message>
    <message>
        <source>Go back to this step</source>
        <translation>退回到此步骤</translation>
    </message>
    <message>
        <source>History</source>
        <translation>历史记录</translation>
    </message>
    <message>
        <source>Redo up to this step</source>
        <translation>重做到此步骤</translation>
    </message>
    <message>
        <source>Stop comparing (Shift+Enter)</source>
        <translation>停止对比 (Shift+Enter)</translation>
    </message>
    <message>
        <source>{0}
Click to go there (Enter)</source>
        <translation>{0}
点击前往此步骤 (Enter)</translation>
    </message>
</context>
<context>
    <name>ImagePane</name>
    <message>
        <source>Rendering…</source>
        <translation>正在渲染…</translation>
    </message>
</context>
<context>
    <name>Intake</name>
    <message>
        <source>Copy a picture, or a picture&apos;s file.</source>
        <translation>请复制一张图片，或一个图片文件。</translation>
    </message>
    <message>
        <source>Save the picture first, then open the file.</source>
        <translation>请先保存图片，再打开该文件。</translation>
    </message>
    <message>
        <source>There is no picture in the clipboard.</source>
        <translation>剪贴板中没有图片。</translation>
    </message>
    <message>
        <source>There is no picture in what was dropped.</source>
        <translation>拖入的内容中没有图片。</translation>
    </message>
    <message>
        <source>{0} is not a file on this computer.</source>
        <translation>{0} 不是此计算机上的文件。</translation>
    </message>
</context>
<context>
    <name>Label</name>
    <message>
        <source>Background</source>
        <translation>背景</translation>
    </message>
    <message>
        <source>Clothes</source>
        <translation>衣服</translation>
    </message>
    <message>
        <source>Earring</source>
        <translation>耳环</translation>
    </message>
    <message>
        <source>Glasses</source>
        <translation>眼镜</translation>
    </message>
    <message>
        <source>Hair</source>
        <translation>头发</translation>
    </message>
    <message>
        <source>Hat</source>
        <translation>帽子</translation>
    </message>
    <message>
        <source>Left brow</source>
        <translation>左眉</translation>
    </message>
    <message>
        <source>Left ear</source>
        <translation>左耳</translation>
    </message>
    <message>
        <source>Left eye</source>
        <translation>左眼</translation>
    </message>
    <message>
        <source>Lower lip</source>
        <translation>下唇</translation>
    </message>
    <message>
        <source>Mouth</source>
        <translation>口腔</translation>
    </message>
    <message>
        <source>Neck</source>
        <translation>脖子</translation>
    </message>
    <message>
        <source>Necklace</source>
        <translation>项链</translation>
    </message>
    <message>
        <source>Nose</source>
        <translation>鼻子</translation>
    </message>
    <message>
        <source>Right brow</source>
        <translation>右眉</translation>
    </message>
    <message>
        <source>Right ear</source>
        <translation>右耳</translation>
    </message>
    <message>
        <source>Right eye</source>
        <translation>右眼</translation>
    </message>
    <message>
        <source>Skin</source>
        <translation>皮肤</translation>
    </message>
    <message>
        <source>Upper lip</source>
        <translation>上唇</translation>
    </message>
</context>
<context>
    <name>LabelChip</name>
    <message>
        <source>Painting {0}</source>
        <translation>绘制{0}</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Drop a photo here, or press {0}</source>
        <translation>将照片拖放到此处，或按 {0}</translation>
    </message>
    <message>
        <source>Its face is found and labelled; paint the labels here</source>
        <translation>程序会找到并标注人脸；在这里绘制标注</translation>
    </message>
    <message>
        <source>Own style</source>
        <translation>自身风格</translation>
    </message>
    <message>
        <source>The edited face is rendered here</source>
        <translation>编辑后的人脸将渲染在这里</translation>
    </message>
    <message>
        <source>The language changes when Maskbrush is started again.</source>
        <translation>语言将在重新启动 Maskbrush 后更改。</translation>
    </message>
    <message>
        <source>Whose look is taken, for {0} only: {1}</source>
        <translation>采用谁的外观（仅{0}）：{1}</translation>
    </message>
    <message>
        <source>Whose look the face is rendered in: {0}</source>
        <translation>以谁的外观渲染人脸：{0}</translation>
    </message>
    <message>
        <source>its own</source>
        <translation>自身</translation>
    </message>
    <message>
        <source>{0} is loaded.</source>
        <translation>已载入 {0}。</translation>
    </message>
</context>
<context>
    <name>Minimap</name>
    <message>
        <source>Drag to move what is seen</source>
        <translation>拖动以移动可见区域</translation>
    </message>
    <message>
        <source>Overview</source>
        <translation>导航图</translation>
    </message>
</context>
<context>
    <name>Opening</name>
    <message>
        <source>Choose another exemplar, on which a face is seen from the front.</source>
        <translation>请另选一张有正面人脸的参考图。</translation>
    </message>
    <message>
        <source>Labelling the face…</source>
        <translation>正在标注人脸…</translation>
    </message>
    <message>
        <source>Loading the face parser…</source>
        <translation>正在载入人脸解析器…</translation>
    </message>
    <message>
        <source>No face was found in {0}.</source>
        <translation>在 {0} 中未找到人脸。</translation>
    </message>
    <message>
        <source>No face was found.</source>
        <translation>未找到人脸。</translation>
    </message>
    <message>
        <source>Reading {0}…</source>
        <translation>正在读取 {0}…</translation>
    </message>
    <message>
        <source>The mask beside {0} is not used: {1}</source>
        <translation>未使用 {0} 旁的蒙版：{1}</translation>
    </message>
    <message>
        <source>{0} faces in {1}: the largest is used.</source>
        <translation>{1} 中有 {0} 张人脸：使用最大的一张。</translation>
    </message>
    <message>
        <source>{0} labels the photos that you open from now on.</source>
        <translation>此后打开的照片将由 {0} 标注。</translation>
    </message>
</context>
<context>
    <name>OptionsBar</name>
    <message>
        <source> %</source>
        <translation> %</translation>
    </message>
    <message>
        <source> px</source>
        <translation> 像素</translation>
    </message>
    <message>
        <source>A pen&apos;s pressure sets the size</source>
        <translation>由压感笔的压力决定大小</translation>
    </message>
    <message>
        <source>Any class</source>
        <translation>任何类别</translation>
    </message>
    <message>
        <source>Apply</source>
        <translation>应用</translation>
    </message>
    <message>
        <source>Apply (Enter)</source>
        <translation>应用 (Enter)</translation>
    </message>
    <message>
        <source>Bend a grid</source>
        <translation>弯曲网格</translation>
    </message>
    <message>
        <source>Box</source>
        <translation>自由变换</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Cancel (Escape)</source>
        <translation>取消 (Esc)</translation>
    </message>
    <message>
        <source>Change only</source>
        <translation>仅更改</translation>
    </message>
    <message>
        <source>Click a class in the mask to paint with it. With most tools: hold Ctrl and click.</source>
        <translation>在蒙版中点击某个类别即可用它绘制。使用多数工具时：按住 Ctrl 点击。</translation>
    </message>
    <message>
        <source>Click a class to paint with it.</source>
        <translation>点击类别即可用它绘制。</translation>
    </message>
    <message>
        <source>Connected</source>
        <translation>相连区域</translation>
    </message>
    <message>
        <source>Diameter in pixels of the mask</source>
        <translation>直径（蒙版像素）</translation>
    </message>
    <message>
        <source>Even</source>
        <translation>均匀</translation>
    </message>
    <message>
        <source>Fill all regions of the class that is clicked</source>
        <translation>填充所点击类别的全部区域</translation>
    </message>
    <message>
        <source>Fill the region that is clicked</source>
        <translation>填充点击的区域</translation>
    </message>
    <message>
        <source>Flip left and right</source>
        <translation>水平翻转</translation>
    </message>
    <message>
        <source>Flip top and bottom</source>
        <translation>垂直翻转</translation>
    </message>
    <message>
        <source>Hard</source>
        <translation>硬</translation>
    </message>
    <message>
        <source>How far borders follow the hand</source>
        <translation>边界跟随手势的程度</translation>
    </message>
    <message>
        <source>How hard a pen is pressed for the full size</source>
        <translation>达到最大尺寸所需的压力</translation>
    </message>
    <message>
        <source>Keep to edges</source>
        <translation>贴合边缘</translation>
    </message>
    <message>
        <source>Keep to the picture&apos;s edges</source>
        <translation>贴合图片的边缘</translation>
    </message>
    <message>
        <source>More options</source>
        <translation>更多选项</translation>
    </message>
    <message>
        <source>Move, scale and turn</source>
        <translation>移动、缩放和旋转</translation>
    </message>
    <message>
        <source>Pressure</source>
        <translation>压感</translation>
    </message>
    <message>
        <source>Pressure curve</source>
        <translation>压感曲线</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Soft</source>
        <translation>软</translation>
    </message>
    <message>
        <source>Stabiliser</source>
        <translation>防抖</translation>
    </message>
    <message>
        <source>Stabiliser: how much the brush lags behind to smooth the hand&apos;s path</source>
        <translation>防抖：画笔滞后多少以平滑手的轨迹</translation>
    </message>
    <message>
        <source>Strength</source>
        <translation>强度</translation>
    </message>
    <message>
        <source>Swap with the last class: {0}</source>
        <translation>与上一个类别互换：{0}</translation>
    </message>
    <message>
        <source>Symmetric</source>
        <translation>对称</translation>
    </message>
    <message>
        <source>The only class that is changed</source>
        <translation>唯一会被更改的类别</translation>
    </message>
    <message>
        <source>Tool options</source>
        <translation>工具选项</translation>
    </message>
    <message>
        <source>Warp</source>
        <translation>变形</translation>
    </message>
    <message>
        <source>Whole class</source>
        <translation>整个类别</translation>
    </message>
    <message>
        <source>Work on both sides of the face at once</source>
        <translation>同时处理脸的两侧</translation>
    </message>
</context>
<context>
    <name>PhotoView</name>
    <message>
        <source>Face {0} of {1} is selected</source>
        <translation>已选择第 {0} 张人脸，共 {1} 张</translation>
    </message>
    <message>
        <source>Faces: {0}; none is selected</source>
        <translation>人脸：{0} 张；未选择</translation>
    </message>
</context>
<context>
    <name>PointsView</name>
    <message>
        <source>Left eye (on the right)</source>
        <translation>左眼（画面右侧）</translation>
    </message>
    <message>
        <source>Mouth</source>
        <translation>嘴</translation>
    </message>
    <message>
        <source>Right eye (on the left)</source>
        <translation>右眼（画面左侧）</translation>
    </message>
    <message>
        <source>The arrow keys move this point: {0}</source>
        <translation>方向键移动此点：{0}</translation>
    </message>
    <message>
        <source>The middle of the mouth</source>
        <translation>嘴的中心</translation>
    </message>
    <message>
        <source>The person&apos;s left eye: in the picture, it is on the right</source>
        <translation>人物的左眼：在画面右侧</translation>
    </message>
    <message>
        <source>The person&apos;s right eye: in the picture, it is on the left</source>
        <translation>人物的右眼：在画面左侧</translation>
    </message>
    <message>
        <source>left eye</source>
        <translation>左眼</translation>
    </message>
    <message>
        <source>mouth</source>
        <translation>嘴</translation>
    </message>
    <message>
        <source>right eye</source>
        <translation>右眼</translation>
    </message>
</context>
<context>
    <name>Progress</name>
    <message>
        <source>Labelling the face…</source>
        <translation>正在标注人脸…</translation>
    </message>
    <message>
        <source>Looking for faces…</source>
        <translation>正在查找人脸…</translation>
    </message>
    <message>
        <source>Measuring how fast this computer is (once)…</source>
        <translation>正在测量这台计算机的速度（仅一次）…</translation>
    </message>
    <message>
        <source>Preparing the face locator for this computer (once)…</source>
        <translation>正在为此计算机准备人脸定位器（仅一次）…</translation>
    </message>
    <message>
        <source>Preparing the face parser for this computer (once)…</source>
        <translation>正在为此计算机准备人脸解析器（仅一次）…</translation>
    </message>
    <message>
        <source>Preparing the model for this computer (once)…</source>
        <translation>正在为此计算机准备模型（仅一次）…</translation>
    </message>
</context>
<context>
    <name>ProgressStrip</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Cancel (Esc)</source>
        <translation>取消 (Esc)</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
</context>
<context>
    <name>Projects</name>
    <message>
        <source>Open a photo first.</source>
        <translation>请先打开照片。</translation>
    </message>
    <message>
        <source>Opening…</source>
        <translation>正在打开…</translation>
    </message>
    <message>
        <source>There is nothing to save.</source>
        <translation>没有可保存的内容。</translation>
    </message>
</context>
<context>
    <name>QAbstractFileIconProvider</name>
    <message>
        <source>Drive</source>
        <translation>驱动器</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
</context>
<context>
    <name>QFileDialog</name>
    <message>
        <source>&amp;Look in:</source>
        <translation>查找范围(&amp;L)：</translation>
    </message>
    <message>
        <source>Files of &amp;type:</source>
        <translation>文件类型(&amp;T)：</translation>
    </message>
</context>
<context>
    <name>QKeySequenceEdit</name>
    <message>
        <source>Press shortcut</source>
        <translation>请按下快捷键</translation>
    </message>
</context>
<context>
    <name>QualityDialog</name>
    <message>
        <source>Better picture</source>
        <translation>画质更好</translation>
    </message>
    <message>
        <source>Export quality</source>
        <translation>导出品质</translation>
    </message>
    <message>
        <source>For JPEG and WebP. At 100, WebP keeps every pixel; PNG and TIFF always do.</source>
        <translation>适用于 JPEG 和 WebP。设为 100 时，WebP 会保留每个像素；PNG 和 TIFF 始终如此。</translation>
    </message>
    <message>
        <source>Quality</source>
        <translation>品质</translation>
    </message>
    <message>
        <source>Quality, 1 to 100</source>
        <translation>品质，1 到 100</translation>
    </message>
    <message>
        <source>Smaller file</source>
        <translation>文件更小</translation>
    </message>
</context>
<context>
    <name>RecentPhotos</name>
    <message>
        <source>&amp;Clear list</source>
        <translation>清除列表(&amp;C)</translation>
    </message>
    <message>
        <source>It was taken off the list of recent photos.</source>
        <translation>已将其从最近打开的列表中移除。</translation>
    </message>
    <message>
        <source>Open rece&amp;nt</source>
        <translation>最近打开的文件(&amp;N)</translation>
    </message>
    <message>
        <source>{0} is not there any more.</source>
        <translation>{0} 已不存在。</translation>
    </message>
</context>
<context>
    <name>Recovery</name>
    <message>
        <source>There is nothing to recover: all edits were saved or given up.</source>
        <translation>没有可恢复的内容：所有编辑均已保存或放弃。</translation>
    </message>
</context>
<context>
    <name>RecoveryDialog</name>
    <message>
        <source>1 edit</source>
        <translation>1 处编辑</translation>
    </message>
    <message>
        <source>Discard</source>
        <translation>丢弃</translation>
    </message>
    <message>
        <source>Discard edits</source>
        <translation>丢弃编辑</translation>
    </message>
    <message>
        <source>Discard {0} of {1} for good?</source>
        <translation>要永久丢弃 {1} 的 {0}吗？</translation>
    </message>
    <message>
        <source>Discard…</source>
        <translation>丢弃…</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Later</source>
        <translation>稍后</translation>
    </message>
    <message>
        <source>Maskbrush ended unexpectedly. These edits are kept until you recover or discard them.</source>
        <translation>Maskbrush 意外退出。这些编辑会一直保留，直到您恢复或丢弃它们。</translation>
    </message>
    <message>
        <source>Portraits with edits that were not saved</source>
        <translation>有未保存编辑的人像</translation>
    </message>
    <message>
        <source>Recover</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Recover edits</source>
        <translation>恢复编辑</translation>
    </message>
    <message>
        <source>Saved before as {0}</source>
        <translation>此前保存为 {0}</translation>
    </message>
    <message>
        <source>Some edits were not saved</source>
        <translation>有编辑尚未保存</translation>
    </message>
    <message>
        <source>The photo&apos;s own file stays as it is.</source>
        <translation>照片文件本身不会改变。</translation>
    </message>
    <message>
        <source>Today, {0}</source>
        <translation>今天 {0}</translation>
    </message>
    <message>
        <source>Untitled</source>
        <translation>未命名</translation>
    </message>
    <message>
        <source>Yesterday, {0}</source>
        <translation>昨天 {0}</translation>
    </message>
    <message>
        <source>{0} edits</source>
        <translation>{0} 处编辑</translation>
    </message>
</context>
<context>
    <name>Rendering</name>
    <message>
        <source>Loading the model…</source>
        <translation>正在载入模型…</translation>
    </message>
    <message>
        <source>{0}; {1} on {2} is used.</source>
        <translation>{0}；改用 {2} 上的 {1}。</translation>
    </message>
</context>
<context>
    <name>Rows</name>
    <message>
        <source>not available now</source>
        <translation>当前不可用</translation>
    </message>
    <message>
        <source>off</source>
        <translation>关</translation>
    </message>
    <message>
        <source>on</source>
        <translation>开</translation>
    </message>
</context>
<context>
    <name>Saving</name>
    <message>
        <source>Exporting…</source>
        <translation>正在导出…</translation>
    </message>
    <message>
        <source>Saving…</source>
        <translation>正在保存…</translation>
    </message>
</context>
<context>
    <name>ShortcutsDialog</name>
    <message>
        <source>All changes will be lost. Changed commands: {0}.</source>
        <translation>所有更改都将丢失。已更改的命令：{0} 个。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Changed; at first: {0}</source>
        <translation>已更改；最初为：{0}</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Command</source>
        <translation>命令</translation>
    </message>
    <message>
        <source>Commands and their keys</source>
        <translation>命令及其按键</translation>
    </message>
    <message>
        <source>First key: press the new one</source>
        <translation>第一个按键：请按下新按键</translation>
    </message>
    <message>
        <source>Fixed</source>
        <translation>固定</translation>
    </message>
    <message>
        <source>Give every command the keys that it had at first</source>
        <translation>将所有命令恢复为最初的按键</translation>
    </message>
    <message>
        <source>Give this command the keys that it had at first</source>
        <translation>将此命令恢复为最初的按键</translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>按键</translation>
    </message>
    <message>
        <source>Keys of “{0}”: click a field and press the new key</source>
        <translation>“{0}”的按键：点击输入框并按下新按键</translation>
    </message>
    <message>
        <source>No command is called “{0}” or has such a key.</source>
        <translation>没有名为“{0}”或使用该按键的命令。</translation>
    </message>
    <message>
        <source>OK</source>
        <translation>确定</translation>
    </message>
    <message>
        <source>Other</source>
        <translation>其他</translation>
    </message>
    <message>
        <source>Remove the first key</source>
        <translation>移除第一个按键</translation>
    </message>
    <message>
        <source>Remove the second key</source>
        <translation>移除第二个按键</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>替换</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>重置</translation>
    </message>
    <message>
        <source>Reset all</source>
        <translation>全部重置</translation>
    </message>
    <message>
        <source>Reset all…</source>
        <translation>全部重置…</translation>
    </message>
    <message>
        <source>Search by name or key</source>
        <translation>按名称或按键搜索</translation>
    </message>
    <message>
        <source>Second key: press the new one</source>
        <translation>第二个按键：请按下新按键</translation>
    </message>
    <message>
        <source>These keys cannot be changed</source>
        <translation>这些按键无法更改</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>{0} cannot be changed. It is for: {1}.</source>
        <translation>{0} 无法更改。其用途：{1}。</translation>
    </message>
    <message>
        <source>{0} is used by “{1}”.</source>
        <translation>{0} 已被“{1}”使用。</translation>
    </message>
</context>
<context>
    <name>StatusBar</name>
    <message>
        <source>Class under the cursor</source>
        <translation>光标下的类别</translation>
    </message>
    <message>
        <source>No model</source>
        <translation>无模型</translation>
    </message>
    <message>
        <source>Preview {0} ms, final {1} ms</source>
        <translation>预览 {0} 毫秒，最终 {1} 毫秒</translation>
    </message>
    <message>
        <source>Rendered in {0} ms</source>
        <translation>渲染用时 {0} 毫秒</translation>
    </message>
    <message>
        <source>Time of the last render</source>
        <translation>上次渲染用时</translation>
    </message>
    <message>
        <source>What renders</source>
        <translation>渲染所用</translation>
    </message>
    <message>
        <source>Zoom</source>
        <translation>缩放</translation>
    </message>
    <message>
        <source>{0} ({1}), was {2}</source>
        <translation>{0} ({1})，原为{2}</translation>
    </message>
</context>
<context>
    <name>Step</name>
    <message>
        <source>Aviator glasses {0}</source>
        <translation>飞行员眼镜 {0}</translation>
    </message>
    <message>
        <source>Bend {0}</source>
        <translation>弯曲{0}</translation>
    </message>
    <message>
        <source>Brimmed hat {0}</source>
        <translation>有檐帽 {0}</translation>
    </message>
    <message>
        <source>Brow height {0}</source>
        <translation>眉毛高度 {0}</translation>
    </message>
    <message>
        <source>Brow slant {0}</source>
        <translation>眉毛倾斜 {0}</translation>
    </message>
    <message>
        <source>Brow thickness {0}</source>
        <translation>眉毛粗细 {0}</translation>
    </message>
    <message>
        <source>Cap {0}</source>
        <translation>鸭舌帽 {0}</translation>
    </message>
    <message>
        <source>Carry over edits</source>
        <translation>沿用编辑</translation>
    </message>
    <message>
        <source>Cat-eye glasses {0}</source>
        <translation>猫眼眼镜 {0}</translation>
    </message>
    <message>
        <source>Chin length {0}</source>
        <translation>下巴长度 {0}</translation>
    </message>
    <message>
        <source>Earlier edits</source>
        <translation>先前的编辑</translation>
    </message>
    <message>
        <source>Earrings {0}</source>
        <translation>耳饰 {0}</translation>
    </message>
    <message>
        <source>Eye size {0}</source>
        <translation>眼睛大小 {0}</translation>
    </message>
    <message>
        <source>Eyelids {0}</source>
        <translation>眼睑开合 {0}</translation>
    </message>
    <message>
        <source>Face width {0}</source>
        <translation>脸宽 {0}</translation>
    </message>
    <message>
        <source>Fill area with {0}</source>
        <translation>将区域填充为{0}</translation>
    </message>
    <message>
        <source>Fill holes in {0}</source>
        <translation>填补{0}的孔洞</translation>
    </message>
    <message>
        <source>Fill with {0}</source>
        <translation>填充为{0}</translation>
    </message>
    <message>
        <source>Fringe {0}</source>
        <translation>刘海 {0}</translation>
    </message>
    <message>
        <source>Grow {0}</source>
        <translation>扩大{0}</translation>
    </message>
    <message>
        <source>Hair length {0}</source>
        <translation>头发长度 {0}</translation>
    </message>
    <message>
        <source>Hair volume {0}</source>
        <translation>发量 {0}</translation>
    </message>
    <message>
        <source>Hoop earrings {0}</source>
        <translation>圈形耳环 {0}</translation>
    </message>
    <message>
        <source>Lips {0}</source>
        <translation>嘴唇厚度 {0}</translation>
    </message>
    <message>
        <source>Liquify</source>
        <translation>液化</translation>
    </message>
    <message>
        <source>Load mask</source>
        <translation>载入蒙版</translation>
    </message>
    <message>
        <source>Move {0}</source>
        <translation>移动{0}</translation>
    </message>
    <message>
        <source>Necklace {0}</source>
        <translation>项链 {0}</translation>
    </message>
    <message>
        <source>Nose width {0}</source>
        <translation>鼻宽 {0}</translation>
    </message>
    <message>
        <source>Open mouth {0}</source>
        <translation>张嘴 {0}</translation>
    </message>
    <message>
        <source>Paint {0}</source>
        <translation>绘制{0}</translation>
    </message>
    <message>
        <source>Rectangular glasses {0}</source>
        <translation>方框眼镜 {0}</translation>
    </message>
    <message>
        <source>Remove earrings</source>
        <translation>移除耳环</translation>
    </message>
    <message>
        <source>Remove glasses</source>
        <translation>移除眼镜</translation>
    </message>
    <message>
        <source>Remove hat</source>
        <translation>移除帽子</translation>
    </message>
    <message>
        <source>Remove islands of {0}</source>
        <translation>移除{0}的孤岛</translation>
    </message>
    <message>
        <source>Remove necklace</source>
        <translation>移除项链</translation>
    </message>
    <message>
        <source>Replace {0} by {1}</source>
        <translation>将{0}替换为{1}</translation>
    </message>
    <message>
        <source>Replace {0} by {1} in an area</source>
        <translation>将区域内的{0}替换为{1}</translation>
    </message>
    <message>
        <source>Reset mask</source>
        <translation>重置蒙版</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>还原</translation>
    </message>
    <message>
        <source>Restore area</source>
        <translation>还原区域</translation>
    </message>
    <message>
        <source>Revert region</source>
        <translation>恢复局部区域</translation>
    </message>
    <message>
        <source>Round glasses {0}</source>
        <translation>圆框眼镜 {0}</translation>
    </message>
    <message>
        <source>Shrink {0}</source>
        <translation>缩小{0}</translation>
    </message>
    <message>
        <source>Smile {0}</source>
        <translation>微笑 {0}</translation>
    </message>
    <message>
        <source>Smooth {0}</source>
        <translation>平滑{0}</translation>
    </message>
    <message>
        <source>Transform {0}</source>
        <translation>变换{0}</translation>
    </message>
    <message>
        <source>Woollen hat {0}</source>
        <translation>毛线帽 {0}</translation>
    </message>
</context>
<context>
    <name>StudioActions</name>
    <message>
        <source>&amp;100%</source>
        <translation>&amp;100%</translation>
    </message>
    <message>
        <source>&amp;Before and after</source>
        <translation>编辑前后对比(&amp;B)</translation>
    </message>
    <message>
        <source>&amp;Brush</source>
        <translation>画笔(&amp;B)</translation>
    </message>
    <message>
        <source>&amp;Class</source>
        <translation>类别(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Colour-blind-safe palette</source>
        <translation>色盲友好配色(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Dark</source>
        <translation>深色(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Difference</source>
        <translation>差异(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Edit only</source>
        <translation>仅编辑处(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Ellipse</source>
        <translation>椭圆(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Fill</source>
        <translation>填充(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Fit</source>
        <translation>适合窗口(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Hide or show</source>
        <translation>隐藏或显示(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Hide the mask</source>
        <translation>隐藏蒙版(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Keep to edges</source>
        <translation>贴合边缘(&amp;K)</translation>
    </message>
    <message>
        <source>&amp;Lasso</source>
        <translation>套索(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Light</source>
        <translation>浅色(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Minimap</source>
        <translation>导航图(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Paint</source>
        <translation>绘制(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Polygon</source>
        <translation>多边形套索(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Replace it everywhere by</source>
        <translation>全部替换为(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Restore brush</source>
        <translation>还原画笔(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Symmetric painting</source>
        <translation>对称绘制(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>主题(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Tools</source>
        <translation>工具(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Unlock all</source>
        <translation>全部解锁(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Upright</source>
        <translation>恢复正向(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Whole photo</source>
        <translation>整张照片(&amp;W)</translation>
    </message>
    <message>
        <source>As the &amp;system</source>
        <translation>跟随系统(&amp;S)</translation>
    </message>
    <message>
        <source>Brush, restore brush, lasso and polygon keep to the picture&apos;s edges</source>
        <translation>画笔、还原画笔、套索和多边形套索会贴合图片的边缘</translation>
    </message>
    <message>
        <source>Brush: paint the chosen class. Shift-click draws a line</source>
        <translation>画笔：绘制所选类别。按住 Shift 点击可画直线</translation>
    </message>
    <message>
        <source>E&amp;yedropper</source>
        <translation>吸管(&amp;Y)</translation>
    </message>
    <message>
        <source>Edit only: pixels away from your edit stay the source&apos;s</source>
        <translation>仅编辑处：编辑处以外的像素保持原图</translation>
    </message>
    <message>
        <source>Ellipse: fill an ellipse</source>
        <translation>椭圆：填充椭圆区域</translation>
    </message>
    <message>
        <source>Eyedropper: take up the class that is clicked</source>
        <translation>吸管：拾取点击处的类别</translation>
    </message>
    <message>
        <source>Face &amp;panel</source>
        <translation>脸部面板(&amp;P)</translation>
    </message>
    <message>
        <source>Fill: turn the region that is clicked into the chosen class</source>
        <translation>填充：将点击的区域变为所选类别</translation>
    </message>
    <message>
        <source>Find the line of symmetry anew</source>
        <translation>重新查找对称轴</translation>
    </message>
    <message>
        <source>Fit the picture</source>
        <translation>使图片适合窗口</translation>
    </message>
    <message>
        <source>Glance at the &amp;source</source>
        <translation>快速查看原图(&amp;S)</translation>
    </message>
    <message>
        <source>Histor&amp;y panel</source>
        <translation>历史记录面板(&amp;Y)</translation>
    </message>
    <message>
        <source>Hold to see the source in the result&apos;s place</source>
        <translation>按住可在结果处查看原图</translation>
    </message>
    <message>
        <source>Lan&amp;guage</source>
        <translation>语言(&amp;G)</translation>
    </message>
    <message>
        <source>Lar&amp;ger brush</source>
        <translation>放大画笔(&amp;G)</translation>
    </message>
    <message>
        <source>Larger brush</source>
        <translation>放大画笔</translation>
    </message>
    <message>
        <source>Lasso: fill what is drawn around</source>
        <translation>套索：填充圈出的区域</translation>
    </message>
    <message>
        <source>Li&amp;quify</source>
        <translation>液化(&amp;Q)</translation>
    </message>
    <message>
        <source>Liquify: push borders along</source>
        <translation>液化：推动边界</translation>
    </message>
    <message>
        <source>Lo&amp;ck or unlock</source>
        <translation>锁定或解锁(&amp;C)</translation>
    </message>
    <message>
        <source>Mask &amp;alone</source>
        <translation>仅蒙版(&amp;A)</translation>
    </message>
    <message>
        <source>Mask and result</source>
        <translation>蒙版和结果</translation>
    </message>
    <message>
        <source>Mirror the &amp;view</source>
        <translation>水平翻转视图(&amp;V)</translation>
    </message>
    <message>
        <source>Out&amp;line only</source>
        <translation>仅显示轮廓(&amp;L)</translation>
    </message>
    <message>
        <source>Paint both sides of the face at once</source>
        <translation>同时绘制脸的两侧</translation>
    </message>
    <message>
        <source>Paint only o&amp;ver this class</source>
        <translation>仅在此类别上绘制(&amp;V)</translation>
    </message>
    <message>
        <source>Polygon: click corners, close it with Enter</source>
        <translation>多边形套索：点击各顶点，按 Enter 闭合</translation>
    </message>
    <message>
        <source>Re&amp;vert region under the cursor</source>
        <translation>恢复光标下的区域(&amp;V)</translation>
    </message>
    <message>
        <source>Rec&amp;tangle</source>
        <translation>矩形(&amp;T)</translation>
    </message>
    <message>
        <source>Rectangle: fill a box</source>
        <translation>矩形：填充矩形区域</translation>
    </message>
    <message>
        <source>Restore brush: paint the original mask back</source>
        <translation>还原画笔：绘回原始蒙版</translation>
    </message>
    <message>
        <source>S&amp;maller brush</source>
        <translation>缩小画笔(&amp;M)</translation>
    </message>
    <message>
        <source>S&amp;wap with the last class</source>
        <translation>与上一个类别互换(&amp;W)</translation>
    </message>
    <message>
        <source>See the picture mirrored; nothing is changed</source>
        <translation>以镜像查看图片；不做任何更改</translation>
    </message>
    <message>
        <source>Shape pa&amp;nel</source>
        <translation>形状面板(&amp;N)</translation>
    </message>
    <message>
        <source>Show &amp;all classes</source>
        <translation>显示所有类别(&amp;A)</translation>
    </message>
    <message>
        <source>Show &amp;only this class</source>
        <translation>仅显示此类别(&amp;O)</translation>
    </message>
    <message>
        <source>Show where the result differs</source>
        <translation>显示结果与原图不同之处</translation>
    </message>
    <message>
        <source>Smaller brush</source>
        <translation>缩小画笔</translation>
    </message>
    <message>
        <source>Source, mas&amp;k and result</source>
        <translation>原图、蒙版和结果(&amp;K)</translation>
    </message>
    <message>
        <source>There is room for {0} of the pictures: hide the panel or make the window wider.</source>
        <translation>空间只够显示 {0} 张图片：请隐藏面板或加宽窗口。</translation>
    </message>
    <message>
        <source>Tra&amp;nsform</source>
        <translation>变换(&amp;N)</translation>
    </message>
    <message>
        <source>Transform: move, scale, turn or bend a region</source>
        <translation>变换：移动、缩放、旋转或弯曲区域</translation>
    </message>
    <message>
        <source>Turn &amp;left</source>
        <translation>向左旋转(&amp;L)</translation>
    </message>
    <message>
        <source>Turn &amp;right</source>
        <translation>向右旋转(&amp;R)</translation>
    </message>
    <message>
        <source>Wipe between before and after</source>
        <translation>滑动对比编辑前后</translation>
    </message>
    <message>
        <source>Zoom &amp;in</source>
        <translation>放大(&amp;I)</translation>
    </message>
    <message>
        <source>Zoom &amp;out</source>
        <translation>缩小(&amp;O)</translation>
    </message>
    <message>
        <source>Zoom to 100%</source>
        <translation>缩放到 100%</translation>
    </message>
</context>
<context>
    <name>StyleMenu</name>
    <message>
        <source>&amp;Style</source>
        <translation>风格(&amp;S)</translation>
    </message>
    <message>
        <source>Background</source>
        <translation>背景</translation>
    </message>
    <message>
        <source>Brows</source>
        <translation>眉毛</translation>
    </message>
    <message>
        <source>Clothes</source>
        <translation>衣服</translation>
    </message>
    <message>
        <source>Eyes</source>
        <translation>眼睛</translation>
    </message>
    <message>
        <source>Hair</source>
        <translation>头发</translation>
    </message>
    <message>
        <source>Lips</source>
        <translation>嘴唇</translation>
    </message>
    <message>
        <source>Skin</source>
        <translation>皮肤</translation>
    </message>
    <message>
        <source>Take it &amp;for</source>
        <translation>应用范围(&amp;F)</translation>
    </message>
    <message>
        <source>Whole face</source>
        <translation>整张脸</translation>
    </message>
</context>
<context>
    <name>Workspace</name>
    <message>
        <source>Face</source>
        <translation>脸部</translation>
    </message>
    <message>
        <source>History</source>
        <translation>历史</translation>
    </message>
    <message>
        <source>Original</source>
        <translation>原始状态</translation>
    </message>
    <message>
        <source>Pages of the panel</source>
        <translation>面板的各页</translation>
    </message>
    <message>
        <source>Panel</source>
        <translation>面板</translation>
    </message>
    <message>
        <source>Shape</source>
        <translation>形状</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>工具</translation>
    </message>
</context>
<context>
    <name>_Header</name>
    <message>
        <source>folded</source>
        <translation>已折叠</translation>
    </message>
    <message>
        <source>open</source>
        <translation>已展开</translation>
    </message>
</context>
<context>
    <name>_Preview</name>
    <message>
        <source>Preview of the crop</source>
        <translation>裁剪预览</translation>
    </message>
</context>
</TS>
